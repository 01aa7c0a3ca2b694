// LoadedImages: the images a worker was given, each loaded once, by their content.
//
// One that could not be loaded is remembered as well: loading it again would run its
// constructors again, to no other end. Threads: one.
//
// An image comes with the first task that needs it, once. That task may end before it
// looks at its images (it was called off, say), so keep() is told of each task first.
#pragma once

#include <map>
#include <memory>
#include <vector>

#include "ipc/base/unique_fd.h"
#include "runtime/kernel/kernel.h"
#include "runtime/kernel/kernel_library.h"
#include "runtime/kernel/services.h"

namespace tally::kernels {

class LoadedImages final : public KernelImages {
 public:
  // Keeps what came with the task until it is loaded.
  void keep(const model::ChunkTask& task, std::span<const int> descriptors);

  Result<std::shared_ptr<const KernelLibrary>> find(
      const model::TaskImage& image, std::span<const int> descriptors) override;

 private:
  std::map<model::ImageHash, Result<std::shared_ptr<const KernelLibrary>>> images_;
  std::map<model::ImageHash, UniqueFd> kept_;
};

// What there is in each image of the task. Errors: those of KernelImages::find().
Result<std::vector<std::vector<model::KernelInfo>>> describe_images(
    const model::ChunkTask& task, std::span<const int> descriptors,
    const Services& services, exec::ChunkPage& page);

// The task's kernels, in its order. `task`, `services` and `page` must outlive them.
// Errors: those of KernelImages::find() and Kernel::open().
Result<std::vector<std::unique_ptr<Kernel>>> open_kernels(
    const model::ChunkTask& task, std::span<const int> descriptors,
    const Services& services, exec::ChunkPage& page);

}  // namespace tally::kernels

// LoadedImages: the images a worker was given, each loaded once, by their content.
//
// One that could not be loaded is remembered as well: loading it again would run its
// constructors again, to no other end. Threads: one.
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
  // Keeps what the task brought of an image that is not loaded yet: whoever sent it does
  // so once, and this task may be called off before it needs it.
  void offer(const model::TaskImage& image, std::span<const int> descriptors);
  Result<std::shared_ptr<const KernelLibrary>> find(
      const model::TaskImage& image, std::span<const int> descriptors) override;

 private:
  std::map<model::ImageHash, Result<std::shared_ptr<const KernelLibrary>>> images_;
  std::map<model::ImageHash, UniqueFd> offered_;  // of those not in images_
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

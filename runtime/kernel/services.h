// Services: what a process lends to the kernels it runs.
//
// Threads: those of the runner that has them. Lifetime: `images` must outlive it.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <span>

#include "ipc/base/result.h"
#include "ipc/model/chunk_task.h"

struct tally_sync;
struct tally_sync_context;

namespace tally::kernels {

class KernelLibrary;

// Where the images of tasks come from. An interface because workers load what they are
// given, and a daemon only what its administrator lists.
class KernelImages {
 public:
  virtual ~KernelImages() = default;

  // The library of `image`, loaded if need be. `descriptors` are the task's. Errors:
  // those of KernelLibrary::load(); Internal "no_image" if nobody gave it.
  virtual Result<std::shared_ptr<const KernelLibrary>> find(
      const model::TaskImage& image, std::span<const int> descriptors) = 0;
};

// The synchronisation of kernel `kernel` of the task, for tally_kernel_host::sync; the
// context goes to the second. Called while the kernel runs, for those with
// TALLY_KERNEL_SYNC; nullptr: there is none.
using SyncHook = std::function<const tally_sync*(
    const model::ChunkTask& task, std::uint32_t kernel, tally_sync_context** context)>;

struct Services {
  KernelImages* images = nullptr;  // nullptr: tasks with kernels are refused
  SyncHook sync = {};              // may be empty
  // The task's kernel_memory_bytes are set for the whole process: of workers only.
  bool limit_memory = false;
};

}  // namespace tally::kernels

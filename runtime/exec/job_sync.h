// JobSync: the locks, queues and pipes of a chunk's job, for its kernels.
//
// A job whose kernels want them has a region of shared memory; its descriptor comes
// with each task. An executor takes part in it for the time of a chunk: what a kernel
// holds at the chunk's end is given back, and the next one is told.
//
// Threads: one.
#pragma once

#include <memory>
#include <optional>
#include <span>

#include "ipc/model/chunk_task.h"
#include "ipc/sync/kernel_sync.h"

namespace tally::exec {

class JobSync {
 public:
  // `descriptors` are the task's, and stay open until end().
  void begin(const model::ChunkTask& task, std::span<const int> descriptors);
  void end();

  // The table and the chunk's context; nullptr where the task brought no region or it
  // cannot be taken part in. Attaches when first asked.
  const tally_sync* get(tally_sync_context** context);

 private:
  std::uint64_t job_ = 0;                 // that `region_` is of
  std::optional<int> descriptor_;         // of the chunk in hand
  std::unique_ptr<sync::Region> region_;  // stays mapped for the job's next chunk
  sync::KernelContext context_;
};

}  // namespace tally::exec

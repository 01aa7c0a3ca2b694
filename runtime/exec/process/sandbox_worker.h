// WorkerSandbox: the layers of the sandbox, prepared in the zygote, entered by a
// worker.
//
// What can be made once is: a fork has it ready, so entering costs a worker some tenths
// of a millisecond. Threads: one.
#pragma once

#include <optional>

#include "ipc/base/result.h"
#include "ipc/base/unique_fd.h"
#include "runtime/exec/chunk_page.h"
#include "runtime/exec/process/sandbox.h"
#include "runtime/exec/process/sandbox_filter.h"

namespace tally::exec {

class WorkerSandbox {
 public:
  static Result<WorkerSandbox> prepare(const SandboxPlan& plan);

  // By the worker, when it has opened all that it opens by path. `page` must outlive
  // the process.
  Result<void> enter(ChunkPage& page);

  // Undoes what a kernel may have done to the trap.
  void begin_chunk() const;

  // The descriptor that a worker must have to enter; -1: none.
  int descriptor() const { return landlock_.get(); }

 private:
  WorkerLimits limits_;
  std::optional<SyscallFilter> filter_;
  UniqueFd landlock_;
};

}  // namespace tally::exec

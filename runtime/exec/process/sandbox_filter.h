// SyscallFilter: the system calls that a worker may make; any other raises SIGSYS
// (sandbox_trap.h).
//
// Built once, in the zygote, by libseccomp; entered by each worker with two system
// calls. The list is what the worker itself, the C library and computing kernels need:
// their memory, their descriptors, waiting, clocks, threads. No network, no other
// process, no path of a file.
#pragma once

#include <linux/filter.h>

#include <cstdint>
#include <vector>

#include "ipc/base/result.h"

namespace tally::exec {

class SyscallFilter {
 public:
  static Result<SyscallFilter> build();

  // Precondition: no new privileges. For good; of the calling thread and all that it
  // starts.
  Result<void> enter();

  // The sixth argument that makes openat (to read) and newfstatat, which have four,
  // pass: how the trap lets the loader of kernels through. A number drawn by build().
  std::uint64_t pass() const { return pass_; }

 private:
  std::vector<sock_filter> program_;
  std::uint64_t pass_ = 0;
};

}  // namespace tally::exec

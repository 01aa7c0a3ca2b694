#include "runtime/exec/process/sandbox_worker.h"

#include <malloc.h>
#include <time.h>

#include <utility>

#include "runtime/exec/process/cpu_limit.h"
#include "runtime/exec/process/sandbox_landlock.h"
#include "runtime/exec/process/sandbox_limits.h"
#include "runtime/exec/process/sandbox_trap.h"

namespace tally::exec {
namespace {

// Else a kernel with many threads would have malloc() look up the number of processors
// in /sys, and be ended for it.
constexpr int kArenas = 8;

}  // namespace

Result<WorkerSandbox> WorkerSandbox::prepare(const SandboxPlan& plan) {
  WorkerSandbox sandbox;
  sandbox.limits_ = plan.limits;
  if (plan.landlock_abi != 0) {
    Result<UniqueFd> ruleset = landlock_ruleset(plan.landlock_abi);
    if (!ruleset) return std::move(ruleset).error();
    sandbox.landlock_ = *std::move(ruleset);
  }
  if (plan.seccomp) {
    Result<SyscallFilter> filter = SyscallFilter::build();
    if (!filter) return std::move(filter).error();
    sandbox.filter_ = *std::move(filter);
    ::tzset();  // so that localtime() of a kernel needs no file
    ::mallopt(M_ARENA_MAX, kArenas);
  }
  return sandbox;
}

Result<void> WorkerSandbox::enter(ChunkPage& page) {
  if (Result<void> limited = limit_this_process(limits_.private_bytes); !limited)
    return limited;
  if (Result<void> set = limit_cpu(page, limits_.cpu_s); !set) return set;
  if (landlock_) {
    if (Result<void> entered = enter_landlock(landlock_); !entered) return entered;
    landlock_.reset();
  }
  if (!filter_) return {};
  if (Result<void> set = set_trap(page, filter_->pass()); !set) return set;
  return filter_->enter();
}

void WorkerSandbox::begin_chunk() const {
  if (filter_) unblock_trap();
}

}  // namespace tally::exec

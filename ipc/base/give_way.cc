#include "ipc/base/give_way.h"

#include <linux/sched.h>
#include <linux/sched/types.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cstdint>

namespace tally {
namespace {

// Ten times the kernel's own, and not so long that those who compute wait for each
// other: it takes up to 100 ms.
constexpr std::uint64_t kSliceNs = 20'000'000;
constexpr int kNiceSteps = 5;

bool read(sched_attr& attributes) {
  attributes = {};
  return ::syscall(SYS_sched_getattr, 0, &attributes, sizeof attributes, 0) == 0;
}

bool has_long_slice(const sched_attr& attributes) {
  return attributes.sched_runtime == kSliceNs;
}

}  // namespace

void give_way() {
  sched_attr mine{};
  if (!read(mine) || mine.sched_policy != SCHED_NORMAL || has_long_slice(mine)) return;
  mine.sched_runtime = kSliceNs;
  // One that does not know of slices says yes, and does nothing.
  if (::syscall(SYS_sched_setattr, 0, &mine, 0) == 0 && read(mine) &&
      has_long_slice(mine))
    return;
  // Behind the process's first thread, so that one who was started by one who gives
  // way is no further behind.
  const int first = ::getpriority(PRIO_PROCESS, static_cast<id_t>(::getpid()));
  ::setpriority(PRIO_PROCESS, 0, first + kNiceSteps);
}

}  // namespace tally

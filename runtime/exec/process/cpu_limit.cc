#include "runtime/exec/process/cpu_limit.h"

#include <signal.h>
#include <sys/resource.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <csignal>

namespace tally::exec {
namespace {

// Where the executor is: another place, and it got on.
struct Place {
  std::uint64_t begun = 0;
  std::uint64_t advanced = 0;
  std::uint64_t first_row = 0;
  KernelCall call = KernelCall::None;

  friend bool operator==(const Place&, const Place&) = default;
};

// A handler has no other way to its data.
const ChunkPage* watched = nullptr;
std::uint32_t seconds_each = 0;
rlim_t most = RLIM_INFINITY;  // what was inherited
Place last;

Place place() {
  return {watched->begun.load(std::memory_order_relaxed),
          watched->advanced.load(std::memory_order_relaxed),
          watched->first_row.load(std::memory_order_relaxed),
          watched->call.load(std::memory_order_relaxed)};
}

// From now on; false: the system said no.
bool allow_more() {
  timespec used{};
  rlimit limit{};
  if (::clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &used) != 0 ||
      ::getrlimit(RLIMIT_CPU, &limit) != 0)
    return false;
  if (static_cast<rlim_t>(used.tv_sec) >= most) return false;
  // The limit is in whole seconds, of which one has begun.
  limit.rlim_cur = std::min<rlim_t>(static_cast<rlim_t>(used.tv_sec) + 1 + seconds_each,
                                    std::min(most, limit.rlim_max));
  return ::setrlimit(RLIMIT_CPU, &limit) == 0;
}

void on_cpu_limit(int) {
  const int saved = errno;
  const Place now = place();
  if (now == last || !allow_more()) {
    // Blocked in here, so it ends the process as this returns.
    ::signal(SIGXCPU, SIG_DFL);
    ::raise(SIGXCPU);
  }
  last = now;
  errno = saved;
}

}  // namespace

Result<void> limit_cpu(const ChunkPage& page, std::uint32_t seconds) {
  if (seconds == 0) return {};
  watched = &page;
  seconds_each = seconds;
  last = place();
  rlimit inherited{};
  if (::getrlimit(RLIMIT_CPU, &inherited) != 0) return Error::from_errno("RLIMIT_CPU");
  most = inherited.rlim_cur;
  struct sigaction action {};
  action.sa_handler = on_cpu_limit;
  action.sa_flags = SA_RESTART;
  sigemptyset(&action.sa_mask);
  if (::sigaction(SIGXCPU, &action, nullptr) != 0)
    return Error::from_errno("sigaction");
  if (!allow_more()) return Error::from_errno("RLIMIT_CPU");
  return {};
}

}  // namespace tally::exec

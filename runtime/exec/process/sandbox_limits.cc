#include "runtime/exec/process/sandbox_limits.h"

#include <sys/prctl.h>
#include <sys/resource.h>
#include <unistd.h>

#include <algorithm>
#include <climits>
#include <vector>

namespace tally::exec {
namespace {

// A batch of chunks and 64 images with what they hold; far more than any worker has.
constexpr rlim_t kMostDescriptors = 16'384;

// One byte: where dumps go to a program (core_pattern with a pipe) 0 is taken for "no
// limit on that", and 1 for "none"; see core(5).
constexpr rlim_t kNoCore = 1;

Result<void> lower(__rlimit_resource resource, rlim_t most, const char* what) {
  rlimit limit{};
  if (::getrlimit(resource, &limit) != 0) return Error::from_errno(what);
  limit.rlim_max = std::min(limit.rlim_max, most);
  limit.rlim_cur = std::min(limit.rlim_cur, limit.rlim_max);
  if (::setrlimit(resource, &limit) != 0) return Error::from_errno(what);
  return {};
}

}  // namespace

Result<void> close_all_but(std::span<const int> kept) {
  std::vector<int> sorted(kept.begin(), kept.end());
  std::ranges::sort(sorted);
  unsigned from = STDERR_FILENO + 1;
  for (const int fd : sorted) {
    if (fd < 0) continue;
    const auto number = static_cast<unsigned>(fd);
    if (number > from && ::close_range(from, number - 1, 0) != 0)
      return Error::from_errno("close_range");
    from = std::max(from, number + 1);
  }
  if (::close_range(from, UINT_MAX, 0) != 0) return Error::from_errno("close_range");
  return {};
}

Result<void> limit_this_process(std::uint64_t private_bytes) {
  if (::prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0)
    return Error::from_errno("PR_SET_NO_NEW_PRIVS");
  if (Result<void> set = lower(RLIMIT_CORE, kNoCore, "RLIMIT_CORE"); !set) return set;
  if (private_bytes > 0)
    if (Result<void> set = lower(RLIMIT_DATA, private_bytes, "RLIMIT_DATA"); !set)
      return set;
  return lower(RLIMIT_NOFILE, kMostDescriptors, "RLIMIT_NOFILE");
}

}  // namespace tally::exec

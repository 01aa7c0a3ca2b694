#include "runtime/kernel/memory_limit.h"

#include <algorithm>

namespace tally::kernels {

MemoryLimit::MemoryLimit(std::uint64_t bytes) {
#ifndef TALLY_SANITIZED  // their shadow memory counts as well
  rlimit now{};
  if (bytes == 0 || ::getrlimit(RLIMIT_DATA, &now) != 0) return;
  rlimit lower = now;
  lower.rlim_cur = std::min<rlim_t>(bytes, now.rlim_cur);
  if (::setrlimit(RLIMIT_DATA, &lower) == 0) before_ = now;
#else
  (void)bytes;
#endif
}

MemoryLimit::~MemoryLimit() {
  if (before_) ::setrlimit(RLIMIT_DATA, &*before_);
}

}  // namespace tally::kernels

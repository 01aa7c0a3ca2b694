// TALLY_CHECK: a broken invariant of ours ends the process, in every build.
//
// For bugs only. What input, a peer or the machine can cause is an Error.
#pragma once

#include <cstdio>
#include <cstdlib>

namespace tally::detail {
[[noreturn]] inline void check_failed(const char* what, const char* file, int line) {
  std::fprintf(stderr, "tally: bug: %s does not hold (%s:%d)\n", what, file, line);
  std::abort();
}
}  // namespace tally::detail

#define TALLY_CHECK(condition) \
  ((condition) ? (void)0       \
               : ::tally::detail::check_failed(#condition, __FILE__, __LINE__))

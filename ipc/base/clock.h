// Time as tally counts it: nanoseconds of CLOCK_MONOTONIC since an arbitrary start.
#pragma once

#include <time.h>

#include <cstdint>

namespace tally {

using Nanoseconds = std::uint64_t;

inline Nanoseconds monotonic_ns() noexcept {
  timespec now{};
  ::clock_gettime(CLOCK_MONOTONIC, &now);
  return static_cast<Nanoseconds>(now.tv_sec) * 1'000'000'000U +
         static_cast<Nanoseconds>(now.tv_nsec);
}

}  // namespace tally

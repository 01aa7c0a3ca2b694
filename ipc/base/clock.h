// Time as tally counts it: nanoseconds of CLOCK_MONOTONIC since an arbitrary start.
#pragma once

#include <time.h>

#include <chrono>
#include <cstdint>

namespace tally {

using Nanoseconds = std::uint64_t;

inline Nanoseconds monotonic_ns() noexcept {
  timespec now{};
  ::clock_gettime(CLOCK_MONOTONIC, &now);
  return static_cast<Nanoseconds>(now.tv_sec) * 1'000'000'000U +
         static_cast<Nanoseconds>(now.tv_nsec);
}

// How long until then; zero once it has passed.
inline std::chrono::nanoseconds time_until(Nanoseconds when_ns) noexcept {
  const Nanoseconds now = monotonic_ns();
  return std::chrono::nanoseconds(when_ns > now ? when_ns - now : 0);
}

}  // namespace tally

// ShortPoll: asks for a short while before going to sleep, if that has been paying.
//
// Waking a thread that sleeps on another core takes 20 to 25 µs on the machine that was
// measured (a virtual one: the interrupt is an exit), which is most of a small job's
// round trip, and twice: 50 µs where both ends sleep, 8 µs where both are still asking.
// Where it does not pay (the other end shares our core, or has nothing to say for
// longer) we learn that: after each failure in a row twice as many waits go straight to
// sleep, up to 64. Idle costs one short poll, sparse traffic under 1 µs a wait.
//
// It asks without sched_yield: on a core that another thread wants, each yield gives a
// whole time slice away (4 ms a round trip were measured).
//
// Threads: one.
#pragma once

#include <algorithm>
#include <cstdint>

#include "ipc/base/clock.h"

namespace tally {

class ShortPoll {
 public:
  explicit ShortPoll(Nanoseconds longest_ns) : longest_ns_(longest_ns) {}

  // Calls `poll` until it gives true (so does this) or the time is up. False also
  // without any call.
  template <typename Poll>
  bool wait(Poll&& poll) {
    if (skipped_ > 0) {
      --skipped_;
      return false;
    }
    const Nanoseconds end = monotonic_ns() + longest_ns_;
    do {
      if (poll()) {
        failures_ = 0;
        return true;
      }
    } while (monotonic_ns() < end);
    failures_ = std::clamp(2 * failures_, 1U, kMostSkipped);
    skipped_ = failures_;
    return false;
  }

 private:
  static constexpr std::uint32_t kMostSkipped = 64;

  const Nanoseconds longest_ns_;
  std::uint32_t failures_ = 0;  // in a row, as a power of two
  std::uint32_t skipped_ = 0;   // waits yet to go straight to sleep
};

}  // namespace tally

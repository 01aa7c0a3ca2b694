// Turn: how much of the loop one client may have before the others have theirs.
//
// A client can bring more work in one go than others can wait for: a buffer full of
// requests, a thousand jobs to cancel when it leaves. It is done in turns, by time and
// by count: time bounds what others wait, the count also where a clock is no measure (a
// daemon that was stopped meanwhile, a test).
//
// Threads: one.
#pragma once

#include <cstdint>

#include "ipc/base/clock.h"

namespace tally::daemon {

class Turn {
 public:
  static constexpr Nanoseconds kLongestNs = 15'000;
  static constexpr std::uint32_t kMostSteps = 64;

  explicit Turn(Nanoseconds now_ns) : end_ns_(now_ns + kLongestNs) {}

  // Asked after each step; true: let others have the loop now.
  bool over() { return ++steps_ >= kMostSteps || monotonic_ns() >= end_ns_; }

 private:
  Nanoseconds end_ns_;
  std::uint32_t steps_ = 0;
};

}  // namespace tally::daemon

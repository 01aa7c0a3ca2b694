// How an operation on something shared ended, and how long it may take.
//
// Misuse (releasing what one does not hold), a name of another kind and a damaged
// region are Errors. What other participants do to us, dying included, is an Outcome.
#pragma once

#include <cstdint>

#include "ipc/base/clock.h"

namespace tally::sync {

// The numbers are those of client/include/tally/tally_sync.h.
enum class Outcome : int {
  Ok = 0,
  OwnerDied = 1,  // done; but a participant died that held this: look at what it guards
  TimedOut = 2,   // nothing was done
  Closed = 3,     // nothing was done: the job is over, or the other end is closed
  PeerDied = 4,   // nothing was done: who should have done its part was killed
};

inline bool done(Outcome outcome) {
  return outcome == Outcome::Ok || outcome == Outcome::OwnerDied;
}

// A time-out; 0 only tries.
inline constexpr Nanoseconds kForever = UINT64_MAX;

// Waits are cut into slices: after each the waiter looks for deaths and for the end of
// the job. What the kernel does not announce is noticed that much later at most.
inline constexpr Nanoseconds kSlice = 50'000'000;

// The point on the monotonic clock; kForever stays so.
inline Nanoseconds deadline_after(Nanoseconds timeout_ns) {
  if (timeout_ns == 0) return 0;  // past; saves reading the clock
  const Nanoseconds now = monotonic_ns();
  return timeout_ns > kForever - now ? kForever : now + timeout_ns;
}

}  // namespace tally::sync

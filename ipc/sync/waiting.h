// Waiting for a shared object to be as one needs it: the loop of semaphore, queue and
// pipe.
#pragma once

#include <optional>

#include "ipc/sync/guard.h"
#include "ipc/sync/participant.h"

namespace tally::sync {

// Those who sleep for one reason. Lives in shared memory, changed under the object's
// guard. `waiting` may be too high when a sleeper was killed: one system call too many.
struct Waiters {
  Word sequence;
  std::uint32_t waiting;

  void wake(int sleepers) {
    if (waiting == 0) return;
    sequence.fetch_add(1, std::memory_order_release);
    futex_wake(sequence, sleepers);
  }
};

// Calls attempt() under `guard` until it gives an outcome or an Error, and sleeps in
// between; before the first sleep, and after each slice, the dead are looked for. A try
// (time-out 0) looks for them, too. repair() is called first where somebody died
// inside.
template <typename Repair, typename Attempt>
Result<Outcome> wait_for(const Participant& self, RobustMutex& guard, Waiters& waiters,
                         Nanoseconds timeout_ns, const Repair& repair,
                         const Attempt& attempt) {
  const Nanoseconds at = deadline_after(timeout_ns);
  bool waited = false, looked = false;
  for (;;) {
    std::uint32_t seen = 0;
    {
      Guard inside(self.region(), guard, at);
      if (!inside.in()) return inside.why_not();
      if (inside.owner_died()) {
        repair();
        inside.repaired();
      }
      if (waited && waiters.waiting > 0) --waiters.waiting;
      if (std::optional<Result<Outcome>> end = attempt()) return *std::move(end);
      if (self.region().closed()) return Outcome::Closed;
      if (looked && monotonic_ns() >= at) return Outcome::TimedOut;
      ++waiters.waiting;
      waited = true;
      seen = waiters.sequence.load(std::memory_order_relaxed);
    }
    looked = true;
    if (!self.reap()) Participant::sleep(waiters.sequence, seen, at);
  }
}

}  // namespace tally::sync

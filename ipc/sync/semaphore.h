// Semaphore: permits, each held by the participant that acquired it.
//
// The permits of a participant that dies, or ends, come back; an acquire that had to
// have one of them says OwnerDied. A release gives back a permit of the caller's own.
// If it has none: a bounded semaphore refuses ("not_acquired"), so that there never are
// more permits than at the beginning; another gets one more, as a signal. A participant
// that takes signals and never releases counts as their holder until it ends: to hand
// over work, use a Queue. Threads and lifetime: of the Participant, which must outlive
// the handle.
#pragma once

#include <string_view>

#include "ipc/sync/participant.h"
#include "ipc/sync/waiting.h"

namespace tally::sync {

// An array of `participants` counters follows: the permits that each slot holds. They
// and `total` are what is true; `free` follows from them and is repaired from them.
struct SemaphoreState {
  RobustMutex guard;
  Waiters waiters;
  std::uint32_t total;    // permits there are
  std::uint32_t free;     // of them, held by nobody
  std::uint32_t orphans;  // came back from the dead, and nobody was told yet
  std::uint32_t unused;
};

class Semaphore {
 public:
  // Fails as open_object() (name_table.h) does; invalid_argument "bad_initial" above
  // 2^31 - 1.
  static Result<Semaphore> open(Participant& participant, std::string_view name,
                                std::uint32_t initial, bool bounded);

  // Ok, OwnerDied: the caller has a permit. TimedOut, Closed: it has none.
  Result<Outcome> acquire(Nanoseconds timeout_ns = kForever);

  // Fails with invalid_argument "not_acquired" (bounded only), "too_many_permits".
  Result<void> release();

  // For the sweep.
  static void forget(const Region& region, const NameEntry& entry, std::uint32_t slot);

 private:
  Semaphore(Participant& participant, SemaphoreState* state, bool bounded)
      : participant_(&participant), state_(state), bounded_(bounded) {}

  Participant* participant_;
  SemaphoreState* state_;
  bool bounded_;
};

}  // namespace tally::sync

// Condition: participants that gave up a lock until somebody notifies them.
//
// Each waiter has a word of its own, so a notification goes to a waiter that is there:
// a killed one takes none with it, what it had got is passed on to the next. Waiters
// are notified in the order in which they came. Threads and lifetime: of the
// Participant, which must outlive the handle.
#pragma once

#include <string_view>

#include "ipc/sync/lock.h"
#include "ipc/sync/participant.h"

namespace tally::sync {

struct ConditionWaiter {
  std::uint64_t ticket;
  Word word;  // a WaiterIs (condition.cc)
  std::uint32_t unused;
};

// An array of `participants` ConditionWaiters follows.
struct ConditionState {
  RobustMutex guard;
  std::uint64_t last_ticket;
};

class Condition {
 public:
  // Fails as open_object() (name_table.h) does.
  static Result<Condition> open(Participant& participant, std::string_view name);

  // The caller has `lock`; it is given up while waiting and taken back, an RLock to its
  // whole depth. As with Python and POSIX the time-out is of the wait alone: taking the
  // lock back takes as long as its owner lets it, or lives.
  // Ok, OwnerDied (of the lock, while we waited; notified or not), TimedOut: the caller
  // has the lock. Closed: it has not.
  // Fails with invalid_argument "not_owner": the caller did not have the lock.
  Result<Outcome> wait(OwnedLock& lock, Nanoseconds timeout_ns = kForever);

  // The lock need not be held, but what is waited for should change under it.
  Result<void> notify(std::uint32_t waiters = 1);
  Result<void> notify_all() { return notify(UINT32_MAX); }

  // For the sweep.
  static void forget(const Region& region, const NameEntry& entry, std::uint32_t slot);

 private:
  Condition(Participant& participant, ConditionState* state)
      : participant_(&participant), state_(state) {}

  ConditionWaiter& mine() const;
  Result<Outcome> enter();
  Outcome sleep(Nanoseconds at);
  bool leave();

  Participant* participant_;
  ConditionState* state_;
};

}  // namespace tally::sync

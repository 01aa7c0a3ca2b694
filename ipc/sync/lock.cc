#include "ipc/sync/lock.h"

#include <algorithm>
#include <new>

#include "ipc/sync/name_table.h"

namespace tally::sync {

Result<LockState*> OwnedLock::open_state(Participant& participant,
                                         std::string_view name, Kind kind) {
  Result<std::byte*> at =
      open_object(participant.region(), name, {kind, sizeof(LockState)},
                  [](std::byte* fresh, const ObjectSpec&) {
                    (new (fresh) LockState{})->mutex.init();
                  });
  if (!at) return std::move(at).error();
  return reinterpret_cast<LockState*>(*at);
}

Result<Lock> Lock::open(Participant& participant, std::string_view name) {
  Result<LockState*> state = open_state(participant, name, Kind::Lock);
  if (!state) return std::move(state).error();
  return Lock(participant, *state, false);
}

Result<RLock> RLock::open(Participant& participant, std::string_view name) {
  Result<LockState*> state = open_state(participant, name, Kind::RLock);
  if (!state) return std::move(state).error();
  return RLock(participant, *state, true);
}

Result<Outcome> OwnedLock::acquire(Nanoseconds timeout_ns) {
  if (owned()) return again();
  const RobustMutex::Taken taken = state_->mutex.try_lock();
  if (taken == RobustMutex::Taken::No) return wait(timeout_ns);
  return own(taken);
}

Result<Outcome> OwnedLock::again() {
  if (!recursive_)
    return Error(Errc::InvalidArgument, "would_deadlock",
                 "this participant has the lock already; an rlock may be taken twice");
  if (state_->depth == UINT32_MAX)
    return Error(Errc::InvalidArgument, "too_deep", "the rlock is taken too often");
  ++state_->depth;
  return Outcome::Ok;
}

Result<Outcome> OwnedLock::wait(Nanoseconds timeout_ns) {
  const Nanoseconds at = deadline_after(timeout_ns);
  for (;;) {
    if (participant_->region().closed()) return Outcome::Closed;
    const Nanoseconds now = monotonic_ns();
    if (now >= at) return Outcome::TimedOut;
    const RobustMutex::Taken taken =
        state_->mutex.lock_until(std::min(at, now + kSlice));
    if (taken != RobustMutex::Taken::No) return own(taken);
  }
}

// The mutex was just taken.
Result<Outcome> OwnedLock::own(RobustMutex::Taken taken) {
  if (taken == RobustMutex::Taken::Broken)
    return region_damaged("a lock in it is none");
  bool died = state_->abandoned != 0;
  if (taken == RobustMutex::Taken::OwnerDied) {
    state_->mutex.consistent();
    died = true;
  }
  if (died) state_->abandoned = 0;
  state_->depth = 1;
  state_->owner.store(participant_->id(), std::memory_order_relaxed);
  return died ? Outcome::OwnerDied : Outcome::Ok;
}

Result<void> OwnedLock::release() {
  if (!owned())
    return Error(Errc::InvalidArgument, "not_owner",
                 "this participant does not have the lock that it releases");
  if (state_->depth > 1 && recursive_) {
    --state_->depth;
    return {};
  }
  give_up();
  return {};
}

std::uint32_t OwnedLock::give_up() {
  const std::uint32_t depth = state_->depth;
  state_->owner.store(0, std::memory_order_relaxed);
  state_->mutex.unlock();
  return depth;
}

Result<Outcome> OwnedLock::take_back(std::uint32_t depth) {
  Result<Outcome> outcome = acquire();
  if (outcome && done(*outcome)) state_->depth = depth;
  return outcome;
}

void OwnedLock::abandon(const Region& region, const NameEntry& entry,
                        std::uint64_t id) {
  auto* state = reinterpret_cast<LockState*>(region.object(entry, sizeof(LockState)));
  if (state == nullptr || state->owner.load(std::memory_order_relaxed) != id) return;
  state->abandoned = 1;
  state->owner.store(0, std::memory_order_relaxed);
  state->mutex.unlock();
}

}  // namespace tally::sync

#include "ipc/sync/lock.h"

#include <new>

#include "ipc/sync/name_table.h"

namespace tally::sync {

Result<LockState*> OwnedLock::open_state(Participant& participant,
                                         std::string_view name, Kind kind) {
  Result<std::byte*> at =
      open_object(participant.region(), name, {kind, sizeof(LockState)},
                  [](std::byte* fresh, const ObjectSpec&) { new (fresh) LockState{}; });
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

Result<Outcome> OwnedLock::again() {
  if (!recursive_)
    return Error(Errc::InvalidArgument, "would_deadlock",
                 "this participant has the lock already; an rlock may be taken twice");
  const std::uint32_t depth = state_->depth.load(std::memory_order_relaxed);
  if (depth == UINT32_MAX)
    return Error(Errc::InvalidArgument, "too_deep", "the rlock is taken too often");
  state_->depth.store(depth + 1, std::memory_order_relaxed);
  return Outcome::Ok;
}

// It was not simply free: it is ours, another's, or an orphan.
Result<Outcome> OwnedLock::wait(Nanoseconds timeout_ns) {
  if (owned()) return again();
  const Nanoseconds at = deadline_after(timeout_ns);
  std::uint32_t mine = me_;  // once we slept, with kContended: others may sleep yet
  bool looked = false;
  std::uint32_t seen = state_->word.load(std::memory_order_relaxed);
  for (;;) {
    if ((seen & LockState::kOwner) == 0) {
      if (!state_->word.compare_exchange_weak(seen, mine, std::memory_order_acquire,
                                              std::memory_order_relaxed))
        continue;
      const bool orphan = (seen & LockState::kOrphan) != 0;
      if (orphan) state_->depth.store(0, std::memory_order_relaxed);
      return orphan ? Outcome::OwnerDied : Outcome::Ok;
    }
    if (participant_->region().closed()) return Outcome::Closed;
    if (looked && monotonic_ns() >= at) return Outcome::TimedOut;
    looked = true;
    if (!participant_->reap()) {
      const std::uint32_t sleepy = seen | LockState::kContended;
      mine |= LockState::kContended;
      if (seen == sleepy ||
          state_->word.compare_exchange_strong(seen, sleepy, std::memory_order_relaxed))
        Participant::sleep(state_->word, sleepy, at);
    }
    seen = state_->word.load(std::memory_order_relaxed);
  }
}

Result<void> OwnedLock::release_contended() {
  if (!owned())
    return Error(Errc::InvalidArgument, "not_owner",
                 "this participant does not have the lock that it releases");
  const std::uint32_t depth = state_->depth.load(std::memory_order_relaxed);
  if (recursive_ && depth > 0) {
    state_->depth.store(depth - 1, std::memory_order_relaxed);
    return {};
  }
  give_up();
  return {};
}

std::uint32_t OwnedLock::give_up() {
  const std::uint32_t depth = state_->depth.exchange(0, std::memory_order_relaxed);
  if ((state_->word.exchange(0, std::memory_order_release) & LockState::kContended) !=
      0)
    futex_wake(state_->word, 1);
  return depth;
}

Result<Outcome> OwnedLock::take_back(std::uint32_t depth) {
  Result<Outcome> outcome = acquire();
  if (outcome && done(*outcome)) state_->depth.store(depth, std::memory_order_relaxed);
  return outcome;
}

void OwnedLock::forget(const Region& region, const NameEntry& entry,
                       std::uint32_t slot) {
  auto* state = reinterpret_cast<LockState*>(region.object(entry, sizeof(LockState)));
  if (state == nullptr ||
      (state->word.load(std::memory_order_relaxed) & LockState::kOwner) != slot + 1)
    return;
  // Nobody but its owner, who is no more, changes more than kContended meanwhile.
  state->word.store(LockState::kOrphan, std::memory_order_release);
  futex_wake(state->word);
}

}  // namespace tally::sync

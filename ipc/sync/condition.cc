#include "ipc/sync/condition.h"

#include <new>

#include "ipc/sync/guard.h"
#include "ipc/sync/name_table.h"

namespace tally::sync {
namespace {

enum WaiterIs : std::uint32_t { kAway = 0, kWaiting = 1, kNotified = 2 };

std::uint64_t bytes_of(const Region& region) {
  return sizeof(ConditionState) + region.participants() * sizeof(ConditionWaiter);
}

ConditionWaiter* waiters_of(ConditionState* state) {
  return reinterpret_cast<ConditionWaiter*>(state + 1);
}

// The guard is held. Every word is right by itself: there is nothing to repair when
// somebody died in here.
bool notify_next(ConditionState* state, std::uint32_t participants) {
  ConditionWaiter* next = nullptr;
  for (std::uint32_t slot = 0; slot < participants; ++slot) {
    ConditionWaiter& waiter = waiters_of(state)[slot];
    if (waiter.word.load(std::memory_order_relaxed) == kWaiting &&
        (next == nullptr || waiter.ticket < next->ticket))
      next = &waiter;
  }
  if (next == nullptr) return false;
  next->word.store(kNotified, std::memory_order_release);
  futex_wake(next->word);
  return true;
}

}  // namespace

Result<Condition> Condition::open(Participant& participant, std::string_view name) {
  Result<std::byte*> at = open_object(participant.region(), name,
                                      {Kind::Condition, bytes_of(participant.region())},
                                      [](std::byte* fresh, const ObjectSpec&) {
                                        (new (fresh) ConditionState{})->guard.init();
                                      });
  if (!at) return std::move(at).error();
  return Condition(participant, reinterpret_cast<ConditionState*>(*at));
}

ConditionWaiter& Condition::mine() const {
  return waiters_of(state_)[participant_->slot()];
}

Result<Outcome> Condition::enter() {
  Guard inside(participant_->region(), state_->guard, kForever);
  if (!inside.in()) return inside.why_not();
  mine().ticket = ++state_->last_ticket;
  mine().word.store(kWaiting, std::memory_order_relaxed);
  return Outcome::Ok;
}

Outcome Condition::sleep(Nanoseconds at) {
  Word& word = mine().word;
  while (word.load(std::memory_order_acquire) == kWaiting) {
    if (participant_->region().closed()) return Outcome::Closed;
    if (monotonic_ns() >= at) return Outcome::TimedOut;
    if (!participant_->reap()) Participant::sleep(word, kWaiting, at);
  }
  return Outcome::Ok;
}

// True if a notification had come.
bool Condition::leave() {
  Guard inside(participant_->region(), state_->guard, kForever);
  return mine().word.exchange(kAway, std::memory_order_relaxed) == kNotified;
}

Result<Outcome> Condition::wait(OwnedLock& lock, Nanoseconds timeout_ns) {
  if (!lock.owned())
    return Error(Errc::InvalidArgument, "not_owner",
                 "this participant does not have the lock of the condition");
  const Nanoseconds at = deadline_after(timeout_ns);
  Result<Outcome> entered = enter();
  if (!entered) return entered;
  if (!done(*entered)) {
    lock.give_up();
    return Outcome::Closed;
  }
  const std::uint32_t depth = lock.give_up();
  const Outcome slept = sleep(at);
  Result<Outcome> taken = slept == Outcome::Closed ? slept : lock.take_back(depth);
  // Only now: who dies before this passes its notification on.
  const bool notified = leave();
  if (!taken || *taken != Outcome::Ok) return taken;
  return notified ? Outcome::Ok : Outcome::TimedOut;
}

Result<void> Condition::notify(std::uint32_t waiters) {
  Guard inside(participant_->region(), state_->guard, kForever);
  if (!inside.in()) {
    Result<Outcome> why = inside.why_not();
    if (!why) return std::move(why).error();
    return {};  // closed: nobody waits any more
  }
  const std::uint32_t participants = participant_->region().participants();
  for (; waiters > 0 && notify_next(state_, participants); --waiters) {
  }
  return {};
}

void Condition::forget(const Region& region, const NameEntry& entry,
                       std::uint32_t slot) {
  auto* state =
      reinterpret_cast<ConditionState*>(region.object(entry, bytes_of(region)));
  if (state == nullptr) return;
  Guard inside(region, state->guard, kForever);
  if (!inside.in()) return;
  Word& word = waiters_of(state)[slot].word;
  // Passed on first: who dies in between repeats it, and one wakes too many.
  if (word.load(std::memory_order_relaxed) == kNotified)
    notify_next(state, region.participants());
  word.store(kAway, std::memory_order_relaxed);
}

}  // namespace tally::sync

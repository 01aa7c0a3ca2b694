// Lock and RLock: one owner at a time, a participant of any process of the job.
//
// If the owner dies, or ends without releasing, the next acquire takes the lock and
// says OwnerDied: what the lock guards may be half-written. A waiter notices a death
// within a slice (outcome.h). Not fair: who comes at the right moment is first.
//
// Misuse is an Error: acquiring a Lock that one has ("would_deadlock"), releasing one
// that one has not ("not_owner").
// Threads and lifetime: of the Participant, which must outlive the handle.
#pragma once

#include <string_view>

#include "ipc/sync/participant.h"

namespace tally::sync {

// One word, so that the uncontended case is one instruction to take it and one to
// release it, a third of what a robust pthread mutex costs on top of a plain one. That
// the owner lives is known from its slot, which is not given away before the sweep was
// here.
struct LockState {
  static constexpr std::uint32_t kOwner = 0x00ff'ffff;  // the owner's slot + 1; 0: free
  static constexpr std::uint32_t kOrphan = 0x4000'0000;  // free; its last owner ended
  static constexpr std::uint32_t kContended = 0x8000'0000;  // somebody may sleep
  Word word;
  Word depth;  // of an RLock, beyond the first acquire; only its owner changes it
};

// What a Condition needs of either.
class OwnedLock {
 public:
  // Ok, OwnerDied: it is the caller's now. TimedOut, Closed: it is not.
  Result<Outcome> acquire(Nanoseconds timeout_ns = kForever) {
    std::uint32_t free = 0;
    if (state_->word.compare_exchange_strong(free, me_, std::memory_order_acquire,
                                             std::memory_order_relaxed))
      return Outcome::Ok;
    return wait(timeout_ns);
  }

  Result<void> release() {
    std::uint32_t mine = me_;
    if ((!recursive_ || state_->depth.load(std::memory_order_relaxed) == 0) &&
        state_->word.compare_exchange_strong(mine, 0, std::memory_order_release,
                                             std::memory_order_relaxed))
      return {};
    return release_contended();
  }

  bool owned() const noexcept {
    return (state_->word.load(std::memory_order_relaxed) & LockState::kOwner) == me_;
  }

  // Gives it up entirely, and the depth it had, for take_back(). Precondition: owned().
  std::uint32_t give_up();
  Result<Outcome> take_back(std::uint32_t depth);

  // For the sweep.
  static void forget(const Region& region, const NameEntry& entry, std::uint32_t slot);

 protected:
  OwnedLock(Participant& participant, LockState* state, bool recursive)
      : participant_(&participant),
        state_(state),
        me_(participant.slot() + 1),
        recursive_(recursive) {}

  static Result<LockState*> open_state(Participant& participant, std::string_view name,
                                       Kind kind);

 private:
  Result<Outcome> wait(Nanoseconds timeout_ns);
  Result<Outcome> again();
  Result<void> release_contended();

  Participant* participant_;
  LockState* state_;
  std::uint32_t me_;
  bool recursive_;
};

class Lock : public OwnedLock {
 public:
  // Fails as open_object() (name_table.h) does.
  static Result<Lock> open(Participant& participant, std::string_view name);

 private:
  using OwnedLock::OwnedLock;
};

// Its owner may acquire it again, and releases it as often.
class RLock : public OwnedLock {
 public:
  static Result<RLock> open(Participant& participant, std::string_view name);

 private:
  using OwnedLock::OwnedLock;
};

}  // namespace tally::sync

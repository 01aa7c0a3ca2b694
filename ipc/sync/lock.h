// Lock and RLock: one owner at a time, a thread of any process of the job.
//
// If the owner dies, or ends without releasing, the next acquire takes the lock and
// says OwnerDied: what the lock guards may be half-written. Nobody waits for a dead
// owner: the kernel wakes the next one.
//
// Misuse is an Error: acquiring a Lock that one has ("would_deadlock"), releasing one
// that one has not ("not_owner").
// Threads and lifetime: of the Participant, which must outlive the handle.
#pragma once

#include <string_view>

#include "ipc/sync/participant.h"

namespace tally::sync {

struct LockState {
  RobustMutex mutex;
  // The participant that has it, 0 for none. Only its own id means something to anyone:
  // what is here of others may be stale.
  std::atomic<std::uint64_t> owner;
  std::uint32_t depth;      // of an RLock; valid while owned
  std::uint32_t abandoned;  // 1: an owner left without releasing; the next is told
};

// What a Condition needs of either.
class OwnedLock {
 public:
  // Ok, OwnerDied: it is the caller's now. TimedOut, Closed: it is not.
  Result<Outcome> acquire(Nanoseconds timeout_ns = kForever);

  Result<void> release();

  bool owned() const noexcept {
    return state_->owner.load(std::memory_order_relaxed) == participant_->id();
  }

  // Gives it up entirely, and the depth it had, for take_back(). Precondition: owned().
  std::uint32_t give_up();
  Result<Outcome> take_back(std::uint32_t depth);

  // For the sweep: the calling thread is the participant `id`.
  static void abandon(const Region& region, const NameEntry& entry, std::uint64_t id);

 protected:
  OwnedLock(Participant& participant, LockState* state, bool recursive)
      : participant_(&participant), state_(state), recursive_(recursive) {}

  static Result<LockState*> open_state(Participant& participant, std::string_view name,
                                       Kind kind);

 private:
  Result<Outcome> own(RobustMutex::Taken taken);
  Result<Outcome> wait(Nanoseconds timeout_ns);
  Result<Outcome> again();

  Participant* participant_;
  LockState* state_;
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

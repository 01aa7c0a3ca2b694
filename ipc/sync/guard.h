// Guard: the few instructions that change an object's shared state, one participant at
// a time. Nobody sleeps inside for anything but memory.
//
// If the participant before died inside, owner_died() is true: put the state in order,
// then call repaired(). Somebody stopped inside (SIGSTOP) holds the others up: they
// wait for their own time-out, and a slice (outcome.h) in any case.
#pragma once

#include "ipc/sync/outcome.h"
#include "ipc/sync/region.h"

namespace tally::sync {

class Guard {
 public:
  // Both must outlive it.
  Guard(const Region& region, RobustMutex& mutex, Nanoseconds at);
  ~Guard() { leave(); }
  Guard(const Guard&) = delete;
  Guard& operator=(const Guard&) = delete;

  bool in() const noexcept { return in_; }
  bool owner_died() const noexcept { return owner_died_; }
  // Precondition: !in(). TimedOut, Closed, or what is damaged.
  Result<Outcome> why_not() const;

  void repaired();
  void leave();

 private:
  RobustMutex& mutex_;
  bool in_ = false;
  bool owner_died_ = false;
  bool broken_ = false;
  bool closed_ = false;
};

}  // namespace tally::sync

// Participant: one thread that takes part in a region.
//
// It holds a robust mutex in its slot for as long as it lives. A participant that waits
// looks for slots whose owner is dead; the first to find one gives back what the dead
// still held (sweep.h) and frees the slot. No pids: they are reused, and mean different
// things in different namespaces.
//
// Threads: attached, used and destroyed by one thread; its end without a destructor, as
// by SIGKILL, is a death. Lifetime: the region must outlive it. What it still holds
// when it is destroyed is given back as if it had died.
#pragma once

#include <memory>

#include "ipc/sync/outcome.h"
#include "ipc/sync/region.h"

namespace tally::sync {

class Participant {
 public:
  // Fails with overloaded "too_many_participants", invalid_data "region_damaged".
  static Result<std::unique_ptr<Participant>> attach(Region& region);
  ~Participant();
  Participant(const Participant&) = delete;
  Participant& operator=(const Participant&) = delete;

  Region& region() const noexcept { return region_; }
  // Its own, and nobody else's before the sweep: what objects know it by.
  std::uint32_t slot() const noexcept { return slot_; }

  // Gives back what dead participants held. True if there was one. Does not wait, so
  // not if somebody else is about it. Call it with no object's guard held.
  bool reap() const;

  // Sleeps until woken, until `at`, or for a slice.
  static void sleep(Word& word, std::uint32_t value, Nanoseconds at);

 private:
  Participant(Region& region, std::uint32_t slot) : region_(region), slot_(slot) {}

  Region& region_;
  const std::uint32_t slot_;
};

}  // namespace tally::sync

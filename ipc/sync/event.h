// Event: a flag that participants wait for.
//
// One word, changed in one instruction: nobody can die in the middle, and killed
// waiters leave nothing behind. Who was to set it and died instead cannot be known:
// wait with a time-out. Threads and lifetime: of the Participant, which must outlive
// the handle.
#pragma once

#include <string_view>

#include "ipc/sync/participant.h"

namespace tally::sync {

// Bit 0: is set. Above it: how often it was set, so that a waiter that was slow to wake
// knows of a set that was cleared again.
struct EventState {
  Word word;
};

class Event {
 public:
  // Fails as open_object() (name_table.h) does.
  static Result<Event> open(Participant& participant, std::string_view name);

  void set();
  void clear();
  bool is_set() const noexcept;

  // Ok, TimedOut, Closed.
  Result<Outcome> wait(Nanoseconds timeout_ns = kForever);

 private:
  Event(Participant& participant, EventState* state)
      : participant_(&participant), state_(state) {}

  Participant* participant_;
  EventState* state_;
};

}  // namespace tally::sync

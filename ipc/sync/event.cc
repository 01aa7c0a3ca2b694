#include "ipc/sync/event.h"

#include <new>

#include "ipc/sync/name_table.h"

namespace tally::sync {

Result<Event> Event::open(Participant& participant, std::string_view name) {
  Result<std::byte*> at = open_object(
      participant.region(), name, {Kind::Event, sizeof(EventState)},
      [](std::byte* fresh, const ObjectSpec&) { new (fresh) EventState{}; });
  if (!at) return std::move(at).error();
  return Event(participant, reinterpret_cast<EventState*>(*at));
}

void Event::set() {
  std::uint32_t seen = state_->word.load(std::memory_order_relaxed);
  do {
    if ((seen & 1) != 0) return;
  } while (!state_->word.compare_exchange_weak(seen, (seen + 2) | 1,
                                               std::memory_order_release));
  futex_wake(state_->word);
}

void Event::clear() {
  state_->word.fetch_and(~1U, std::memory_order_acq_rel);
}

bool Event::is_set() const noexcept {
  return (state_->word.load(std::memory_order_acquire) & 1) != 0;
}

Result<Outcome> Event::wait(Nanoseconds timeout_ns) {
  const Nanoseconds at = deadline_after(timeout_ns);
  const std::uint32_t first = state_->word.load(std::memory_order_acquire);
  for (std::uint32_t seen = first;;
       seen = state_->word.load(std::memory_order_acquire)) {
    if ((seen & 1) != 0 || (seen >> 1) != (first >> 1)) return Outcome::Ok;
    if (participant_->region().closed()) return Outcome::Closed;
    if (monotonic_ns() >= at) return Outcome::TimedOut;
    Participant::sleep(state_->word, seen, at);
  }
}

}  // namespace tally::sync

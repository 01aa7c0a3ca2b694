#include "ipc/sync/queue.h"

#include <new>

#include "ipc/sync/name_table.h"

namespace tally::sync {

Result<Queue> Queue::open(Participant& participant, std::string_view name,
                          std::uint32_t capacity, std::uint32_t record_bytes) {
  Result<void> checked = Ring::check(capacity, record_bytes);
  if (!checked) return std::move(checked).error();
  const std::uint64_t bytes =
      sizeof(QueueState) - sizeof(RingState) + Ring::bytes(capacity, record_bytes);
  Result<std::byte*> at = open_object(participant.region(), name,
                                      {Kind::Queue, bytes, capacity, record_bytes},
                                      [](std::byte* fresh, const ObjectSpec&) {
                                        (new (fresh) QueueState{})->guard.init();
                                      });
  if (!at) return std::move(at).error();
  auto* state = reinterpret_cast<QueueState*>(*at);
  return Queue(participant, state, Ring(&state->ring, capacity, record_bytes));
}

// Somebody died under the guard.
void Queue::repair() {
  if (state_->putting.exchange(0, std::memory_order_relaxed) == 0) return;
  ++state_->lost;
  state_->getters.wake(1);
}

Result<Outcome> Queue::put(std::span<const std::byte> record, Nanoseconds timeout_ns) {
  Result<void> fits = ring_.fits(record);
  if (!fits) return std::move(fits).error();
  return wait_for(
      *participant_, state_->guard, state_->putters, timeout_ns, [this] { repair(); },
      [&]() -> std::optional<Result<Outcome>> {
        if (ring_.damaged()) return region_damaged("positions in a queue");
        if (ring_.full()) return std::nullopt;
        state_->putting.store(1, std::memory_order_release);
        ring_.put(record);
        state_->putting.store(0, std::memory_order_release);
        state_->getters.wake(1);
        return Outcome::Ok;
      });
}

Result<Outcome> Queue::get(std::span<std::byte> into, std::size_t& size,
                           Nanoseconds timeout_ns) {
  return wait_for(
      *participant_, state_->guard, state_->getters, timeout_ns, [this] { repair(); },
      [&]() -> std::optional<Result<Outcome>> {
        if (ring_.damaged()) return region_damaged("positions in a queue");
        if (state_->lost > 0) {
          --state_->lost;
          return Outcome::PeerDied;
        }
        if (ring_.empty()) return std::nullopt;
        Result<std::size_t> got = ring_.get(into);
        if (!got) return std::move(got).error();
        size = *got;
        state_->putters.wake(1);
        return Outcome::Ok;
      });
}

Result<std::uint32_t> Queue::size() {
  Guard inside(participant_->region(), state_->guard, kForever);
  if (!inside.in()) {
    Result<Outcome> why = inside.why_not();
    if (!why) return std::move(why).error();
    return Error(Errc::Cancelled, "region_closed",
                 "the job of this sync region is over");
  }
  if (inside.owner_died()) {
    repair();
    inside.repaired();
  }
  if (ring_.damaged()) return region_damaged("positions in a queue");
  return ring_.size();
}

}  // namespace tally::sync

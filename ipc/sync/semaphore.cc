#include "ipc/sync/semaphore.h"

#include <algorithm>
#include <climits>
#include <new>
#include <string>

#include "ipc/sync/name_table.h"

namespace tally::sync {
namespace {

constexpr std::uint32_t kMost = INT32_MAX;

std::uint64_t bytes_of(const Region& region) {
  return sizeof(SemaphoreState) + region.participants() * sizeof(std::uint32_t);
}

std::uint32_t* held_by(SemaphoreState* state) {
  return reinterpret_cast<std::uint32_t*>(state + 1);
}

void repair(SemaphoreState* state, std::uint32_t participants) {
  std::uint64_t held = 0;
  for (std::uint32_t slot = 0; slot < participants; ++slot)
    held += held_by(state)[slot];
  state->free = state->total -
                static_cast<std::uint32_t>(std::min<std::uint64_t>(held, state->total));
}

}  // namespace

Result<Semaphore> Semaphore::open(Participant& participant, std::string_view name,
                                  std::uint32_t initial, bool bounded) {
  if (initial > kMost)
    return Error(Errc::InvalidArgument, "bad_initial",
                 "a semaphore has at most " + std::to_string(kMost) + " permits");
  const Region& region = participant.region();
  Result<std::byte*> at = open_object(
      participant.region(), name, {Kind::Semaphore, bytes_of(region), initial, bounded},
      [](std::byte* fresh, const ObjectSpec& spec) {
        auto* state = new (fresh) SemaphoreState{};
        state->guard.init();
        state->total = state->free = static_cast<std::uint32_t>(spec.first);
      });
  if (!at) return std::move(at).error();
  return Semaphore(participant, reinterpret_cast<SemaphoreState*>(*at), bounded);
}

Result<Outcome> Semaphore::acquire(Nanoseconds timeout_ns) {
  const auto attempt = [this]() -> std::optional<Result<Outcome>> {
    if (state_->free == 0) return std::nullopt;
    ++held_by(state_)[participant_->slot()];  // from here on it is ours, dead or alive
    --state_->free;
    if (state_->orphans == 0) return Outcome::Ok;
    --state_->orphans;
    return Outcome::OwnerDied;
  };
  return wait_for(
      *participant_, state_->guard, state_->waiters, timeout_ns,
      [this] { repair(state_, participant_->region().participants()); }, attempt);
}

Result<void> Semaphore::release() {
  Guard inside(participant_->region(), state_->guard, kForever);
  if (!inside.in()) {
    Result<Outcome> why = inside.why_not();
    if (!why) return std::move(why).error();
    return {};  // closed: nobody waits for it
  }
  if (inside.owner_died()) {
    repair(state_, participant_->region().participants());
    inside.repaired();
  }
  std::uint32_t& held = held_by(state_)[participant_->slot()];
  if (held > 0) {
    --held;
  } else if (bounded_) {
    return Error(Errc::InvalidArgument, "not_acquired",
                 "this participant has no permit of the bounded semaphore to release");
  } else if (state_->total >= kMost) {
    return Error(Errc::InvalidArgument, "too_many_permits",
                 "a semaphore has at most " + std::to_string(kMost) + " permits");
  } else {
    ++state_->total;
  }
  ++state_->free;
  state_->waiters.wake(1);
  return {};
}

void Semaphore::forget(const Region& region, const NameEntry& entry,
                       std::uint32_t slot) {
  auto* state =
      reinterpret_cast<SemaphoreState*>(region.object(entry, bytes_of(region)));
  if (state == nullptr) return;
  Guard inside(region, state->guard, kForever);
  if (!inside.in()) return;
  if (inside.owner_died()) {
    repair(state, region.participants());
    inside.repaired();
  }
  std::uint32_t& held = held_by(state)[slot];
  if (held == 0) return;
  state->orphans += held;
  state->free += held;
  std::atomic_signal_fence(std::memory_order_seq_cst);
  held = 0;  // last: who dies before this is repeated
  state->waiters.wake(INT_MAX);
}

}  // namespace tally::sync

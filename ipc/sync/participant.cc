#include "ipc/sync/participant.h"

#include <algorithm>
#include <optional>
#include <string>

#include "ipc/sync/guard.h"
#include "ipc/sync/sweep.h"

namespace tally::sync {
namespace {

// The registry is held.
std::optional<std::uint32_t> free_slot(const Region& region) {
  for (std::uint32_t index = 0; index < region.participants(); ++index)
    if (region.slot(index).attached.load(std::memory_order_relaxed) == 0) return index;
  return std::nullopt;
}

// The registry is held. Whoever dies in here leaves `life` ownerless again, and the
// next begins anew: forgetting twice is forgetting once.
bool reap_slots(const Region& region) {
  bool found = false;
  for (std::uint32_t index = 0; index < region.participants(); ++index) {
    ParticipantSlot& slot = region.slot(index);
    if (slot.attached.load(std::memory_order_acquire) == 0) continue;
    const RobustMutex::Taken taken = slot.life.try_lock();
    const bool died = taken == RobustMutex::Taken::OwnerDied;
    if (!died && taken != RobustMutex::Taken::Yes) continue;  // it lives
    forget_participant(region, index, died ? Left::Died : Left::Detached);
    slot.attached.store(0, std::memory_order_release);
    if (died) slot.life.consistent();
    slot.life.unlock();
    found = true;
  }
  return found;
}

// The registry is held: the slot becomes the calling thread's.
bool take(ParticipantSlot& slot) {
  if (slot.initialised == 0) slot.life.init();
  slot.initialised = 1;
  switch (slot.life.try_lock()) {
    case RobustMutex::Taken::Yes: break;
    case RobustMutex::Taken::OwnerDied: slot.life.consistent(); break;
    default: return false;
  }
  slot.attached.store(1, std::memory_order_release);
  return true;
}

}  // namespace

Result<std::unique_ptr<Participant>> Participant::attach(Region& region) {
  RegionHeader& header = region.header();
  Guard registry(region, header.registry, kForever);
  if (!registry.in()) {
    Result<Outcome> why = registry.why_not();
    if (!why) return std::move(why).error();
    return Error(Errc::Cancelled, "region_closed",
                 "the job of this sync region is over");
  }
  std::optional<std::uint32_t> index = free_slot(region);
  if (!index && reap_slots(region)) index = free_slot(region);
  if (!index)
    return Error(Errc::Overloaded, "too_many_participants",
                 "the sync region has room for " +
                     std::to_string(region.participants()) + " participants");
  if (!take(region.slot(*index))) return region_damaged("a slot's mutex is none");
  return std::unique_ptr<Participant>(new Participant(region, *index));
}

Participant::~Participant() {
  Guard registry(region_, region_.header().registry, kForever);
  ParticipantSlot& slot = region_.slot(slot_);
  if (registry.in()) {
    forget_participant(region_, slot_, Left::Detached);
    slot.attached.store(0, std::memory_order_release);
  }  // else it is closed, and whoever looks finds the slot without an owner
  slot.life.unlock();  // a robust mutex may not be unmapped while it is held
}

bool Participant::reap() const {
  RobustMutex& registry = region_.header().registry;
  switch (registry.try_lock()) {
    case RobustMutex::Taken::Yes: break;
    case RobustMutex::Taken::OwnerDied: registry.consistent(); break;
    default: return false;
  }
  const bool found = reap_slots(region_);
  registry.unlock();
  return found;
}

void Participant::sleep(Word& word, std::uint32_t value, Nanoseconds at) {
  const Nanoseconds now = monotonic_ns();
  if (now < at) futex_wait_until(word, value, std::min(at, now + kSlice));
}

}  // namespace tally::sync

#include "ipc/sync/sweep.h"

#include <algorithm>

#include "ipc/sync/condition.h"
#include "ipc/sync/lock.h"
#include "ipc/sync/pipe.h"
#include "ipc/sync/semaphore.h"

namespace tally::sync {
namespace {

template <typename Visit>
void for_each_entry(const Region& region, Visit&& visit) {
  const std::uint32_t count = std::min(
      region.header().name_count.load(std::memory_order_acquire), region.names());
  for (std::uint32_t index = 0; index < count; ++index) visit(region.entry(index));
}

}  // namespace

void release_locks(const Region& region, std::uint64_t id) {
  for_each_entry(region, [&](const NameEntry& entry) {
    if (entry.kind == Kind::Lock || entry.kind == Kind::RLock)
      OwnedLock::abandon(region, entry, id);
  });
}

void forget_participant(const Region& region, std::uint32_t slot, std::uint64_t id,
                        Left how) {
  if (how == Left::Detached) release_locks(region, id);
  for_each_entry(region, [&](const NameEntry& entry) {
    switch (entry.kind) {
      case Kind::Semaphore: Semaphore::forget(region, entry, slot); break;
      case Kind::Condition: Condition::forget(region, entry, slot); break;
      case Kind::Pipe: Pipe::forget(region, entry, id, how); break;
      case Kind::Lock:
      case Kind::RLock:
      case Kind::Event:
      case Kind::Queue: break;
    }
  });
}

}  // namespace tally::sync

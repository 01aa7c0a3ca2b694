#include "ipc/sync/sweep.h"

#include <algorithm>

#include "ipc/sync/condition.h"
#include "ipc/sync/lock.h"
#include "ipc/sync/pipe.h"
#include "ipc/sync/semaphore.h"

namespace tally::sync {

void forget_participant(const Region& region, std::uint32_t slot, Left how) {
  const std::uint32_t count = std::min(
      region.header().name_count.load(std::memory_order_acquire), region.names());
  for (std::uint32_t index = 0; index < count; ++index) {
    const NameEntry& entry = region.entry(index);
    switch (entry.kind) {
      case Kind::Lock:
      case Kind::RLock: OwnedLock::forget(region, entry, slot); break;
      case Kind::Condition: Condition::forget(region, entry, slot); break;
      case Kind::Semaphore: Semaphore::forget(region, entry, slot); break;
      case Kind::Pipe: Pipe::forget(region, entry, slot, how); break;
      case Kind::Event:
      case Kind::Queue: break;  // nobody holds anything of them
    }
  }
}

}  // namespace tally::sync

#include "ipc/sync/guard.h"

#include <algorithm>

namespace tally::sync {

Guard::Guard(const Region& region, RobustMutex& mutex, Nanoseconds at) : mutex_(mutex) {
  RobustMutex::Taken taken = mutex.try_lock();
  for (bool first = true; taken == RobustMutex::Taken::No; first = false) {
    if (region.closed()) {
      closed_ = true;
      return;
    }
    const Nanoseconds now = monotonic_ns();
    if (!first && now >= at) return;
    taken = mutex.lock_until(now + kSlice);
  }
  broken_ = taken == RobustMutex::Taken::Broken;
  in_ = !broken_;
  owner_died_ = taken == RobustMutex::Taken::OwnerDied;
}

Result<Outcome> Guard::why_not() const {
  if (broken_) return region_damaged("a mutex in it is none");
  return closed_ ? Outcome::Closed : Outcome::TimedOut;
}

void Guard::repaired() {
  mutex_.consistent();
  owner_died_ = false;
}

void Guard::leave() {
  if (!in_) return;
  if (owner_died_) mutex_.consistent();  // or nobody could ever take it again
  mutex_.unlock();
  in_ = false;
}

}  // namespace tally::sync

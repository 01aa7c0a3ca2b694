// RobustMutex: the one wrapper of a process-shared, robust pthread mutex.
//
// Lives in shared memory. When a thread dies holding it, by SIGKILL or by returning,
// the kernel marks it, wakes one waiter, and the next to take it is told so. A mutex
// must never be unmapped while the calling thread holds it.
//
// Threads: any, of any process that maps it; who took it must be who unlocks it.
#pragma once

#include <pthread.h>

#include "ipc/base/clock.h"

namespace tally::sync {

class RobustMutex {
 public:
  enum class Taken {
    Yes,
    OwnerDied,  // taken; consistent() must be called before unlock()
    No,         // somebody else has it, and the time is up
    Broken,     // the memory holds no mutex in working order
  };

  // Once, before anyone else can see it.
  void init();

  Taken try_lock();
  // Until this point of the monotonic clock.
  Taken lock_until(Nanoseconds at);

  // After OwnerDied: what it guards is in order again. Whoever dies before this leaves
  // the mutex as it was found.
  void consistent();

  // False if the calling thread does not hold it.
  bool unlock();

 private:
  pthread_mutex_t mutex_;
};

}  // namespace tally::sync

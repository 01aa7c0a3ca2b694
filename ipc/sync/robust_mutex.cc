#include "ipc/sync/robust_mutex.h"

#include <errno.h>
#include <time.h>

#include "ipc/base/check.h"

#if defined(__SANITIZE_THREAD__)
#define TALLY_TSAN
#elif defined(__has_feature)
#if __has_feature(thread_sanitizer)
#define TALLY_TSAN
#endif
#endif

namespace tally::sync {
namespace {

RobustMutex::Taken taken(int error) {
  switch (error) {
    case 0: return RobustMutex::Taken::Yes;
    case EOWNERDEAD: return RobustMutex::Taken::OwnerDied;
    case EBUSY:
    case ETIMEDOUT: return RobustMutex::Taken::No;
    default: return RobustMutex::Taken::Broken;
  }
}

}  // namespace

void RobustMutex::init() {
  pthread_mutexattr_t attributes;
  TALLY_CHECK(::pthread_mutexattr_init(&attributes) == 0);
  TALLY_CHECK(::pthread_mutexattr_setpshared(&attributes, PTHREAD_PROCESS_SHARED) == 0);
  TALLY_CHECK(::pthread_mutexattr_setrobust(&attributes, PTHREAD_MUTEX_ROBUST) == 0);
  TALLY_CHECK(::pthread_mutexattr_settype(&attributes, PTHREAD_MUTEX_ERRORCHECK) == 0);
  TALLY_CHECK(::pthread_mutex_init(&mutex_, &attributes) == 0);
  ::pthread_mutexattr_destroy(&attributes);
}

RobustMutex::Taken RobustMutex::try_lock() {
  return taken(::pthread_mutex_trylock(&mutex_));
}

RobustMutex::Taken RobustMutex::lock_until(Nanoseconds at) {
#ifdef TALLY_TSAN
  // ThreadSanitizer of these compilers does not see pthread_mutex_clocklock.
  for (;;) {
    const Taken now = try_lock();
    if (now != Taken::No || monotonic_ns() >= at) return now;
    const timespec pause{0, 1'000'000};
    ::nanosleep(&pause, nullptr);
  }
#else
  constexpr Nanoseconds kSecond = 1'000'000'000;
  const timespec until{static_cast<time_t>(at / kSecond),
                       static_cast<long>(at % kSecond)};
  return taken(::pthread_mutex_clocklock(&mutex_, CLOCK_MONOTONIC, &until));
#endif
}

void RobustMutex::consistent() {
  ::pthread_mutex_consistent(&mutex_);
}

bool RobustMutex::unlock() {
  return ::pthread_mutex_unlock(&mutex_) == 0;
}

}  // namespace tally::sync

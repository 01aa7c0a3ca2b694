// Futexes on words that processes share: sleep while a word has a value, wake sleepers.
#pragma once

#include <linux/futex.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include <atomic>
#include <climits>
#include <cstdint>

#include "ipc/base/clock.h"

namespace tally::sync {

using Word = std::atomic<std::uint32_t>;
static_assert(Word::is_always_lock_free && sizeof(Word) == 4);

// Returns when woken, when the word is not `value`, at `at` (monotonic clock), or for
// no reason at all: look again.
inline void futex_wait_until(Word& word, std::uint32_t value, Nanoseconds at) {
  constexpr Nanoseconds kSecond = 1'000'000'000;
  const timespec until{static_cast<time_t>(at / kSecond),
                       static_cast<long>(at % kSecond)};
  // The bitset form is the one whose time-out is a point in time.
  ::syscall(SYS_futex, &word, FUTEX_WAIT_BITSET, value, &until, nullptr,
            FUTEX_BITSET_MATCH_ANY);
}

inline void futex_wake(Word& word, int sleepers = INT_MAX) {
  ::syscall(SYS_futex, &word, FUTEX_WAKE, sleepers, nullptr, nullptr, 0);
}

}  // namespace tally::sync

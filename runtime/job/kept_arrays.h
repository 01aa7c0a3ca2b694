// KeptArrays: which of the sealed arrays that clients pass are reduced again and again,
// so that workers keep them mapped; and when those are forgotten.
//
// An array belongs to the session that passed it. It has a number from the second job
// on; it is forgotten when the session has ended, ten seconds after its last job, or
// when it is old, but never while a job of it lives: workers that were told to forget
// would map it again. All that are kept together are bounded: what a worker has mapped
// stays in memory, whatever the client does.
//
// Numbers are never used again. An inode that was freed may be; but not while a worker
// that has it mapped lives, so no worker reads another array than that which was
// passed.
//
// Pure. Threads: one.
#pragma once

#include <array>
#include <compare>
#include <cstdint>
#include <map>
#include <vector>

#include "ipc/base/clock.h"
#include "runtime/job/pinned_objects.h"

namespace tally::job {

// Of the arrays that a job is over, the second one only if it pairs two; 0: not kept.
using KeptNumbers = std::array<std::uint64_t, 2>;

class KeptArrays {
 public:
  using Number = std::uint64_t;

  static constexpr std::uint64_t kLeastBytes = 1 << 20;  // less is read as fast
  static constexpr Nanoseconds kUnused = 10'000'000'000;
  static constexpr Nanoseconds kOldest = 600'000'000'000;
  static constexpr std::size_t kMostKnown = 4096;

  explicit KeptArrays(std::uint64_t most_bytes) : most_bytes_(most_bytes) {}

  // A job of the session is to reduce this object: the number to keep it under; 0: it
  // is not to be kept. Another call than 0 is followed by one of done().
  Number use(std::uint64_t session, const MemoryObject& object, Nanoseconds now_ns);
  void done(Number number, Nanoseconds now_ns);

  // These give the numbers that workers are to forget.
  std::vector<Number> session_ended(std::uint64_t session);
  std::vector<Number> expire(Nanoseconds now_ns);
  bool empty() const { return known_.empty(); }  // nothing will expire

  std::uint64_t bytes() const { return bytes_; }  // of all that are kept

 private:
  struct Key {
    std::uint64_t session = 0;
    std::uint64_t device = 0;
    std::uint64_t inode = 0;
    friend auto operator<=>(const Key&, const Key&) = default;
  };
  struct Known {
    Number number = 0;  // 0: was seen once
    std::uint64_t bytes = 0;
    std::uint64_t jobs = 0;  // that live
    Nanoseconds kept_since_ns = 0;
    Nanoseconds used_ns = 0;
    bool abandoned = false;  // the session has ended
  };
  using Place = std::map<Key, Known>::iterator;

  // When it is to be forgotten; of one without jobs.
  static Nanoseconds end_ns(const Known& known);
  Place erase(Place place, std::vector<Number>& forgotten);

  const std::uint64_t most_bytes_;
  std::map<Key, Known> known_;
  std::map<Number, Key> by_number_;
  std::uint64_t bytes_ = 0;
  Number next_ = 1;
};

}  // namespace tally::job

// ReturnRate: how fast what is held comes back, and so how long to wait for some of it.
//
// The mean rate of the last seconds, older ones counting less and less; where nothing
// has come back yet, what has not moved for a while is taken to stay for as long again.
#pragma once

#include <cstdint>

#include "ipc/base/clock.h"

namespace tally::job {

class ReturnRate {
 public:
  static constexpr Nanoseconds kShortestWait = 10'000'000;
  static constexpr Nanoseconds kLongestWait = 60'000'000'000;

  // Something is held now, and nothing was before.
  void began(Nanoseconds now_ns);
  void came_back(std::uint64_t amount, Nanoseconds now_ns) {
    unfolded_ += amount;
    if (now_ns >= folded_ns_ + kFoldEvery) fold(now_ns);
  }
  // Until `amount` should be back, from kShortestWait to kLongestWait.
  Nanoseconds wait_for(std::uint64_t amount, Nanoseconds now_ns) const;

 private:
  static constexpr Nanoseconds kMemory = 5'000'000'000;  // counts 1/e after so long
  // The weights cost an exponential: not for each job of a million in a second.
  static constexpr Nanoseconds kFoldEvery = 20'000'000;

  void fold(Nanoseconds now_ns);

  Nanoseconds began_ns_ = 0;
  Nanoseconds folded_ns_ = 0;
  double folded_ = 0.0;         // what came back, weighted by age
  std::uint64_t unfolded_ = 0;  // what came since
};

}  // namespace tally::job

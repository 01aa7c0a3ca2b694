// Runs what follows by each instruction set that this machine has.
#pragma once

#include <hwy/targets.h>

#include <cstdint>

namespace tally::reduce::testing {

// 0: whatever is best. Of the whole process.
inline void choose_targets(std::int64_t targets) {
  hwy::SetSupportedTargetsForTest(targets);
  hwy::GetChosenTarget().Update(hwy::SupportedTargets());
}

// Calls `each(target)` with one chosen after the other; how many there were.
template <typename Each>
int for_each_target(Each&& each) {
  int count = 0;
  for (std::int64_t rest = hwy::SupportedTargets(); rest != 0; rest &= rest - 1) {
    const std::int64_t target = rest & -rest;
    choose_targets(target);
    each(target);
    ++count;
  }
  choose_targets(0);
  return count;
}

}  // namespace tally::reduce::testing

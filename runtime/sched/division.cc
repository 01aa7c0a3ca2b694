#include "runtime/sched/division.h"

#include <bit>

namespace tally::sched {

Division::Division(std::uint64_t leaves) {
  divide({0, leaves});
}

bool Division::lost() {
  const LeafRange range = left_.back();
  if (range.end - range.begin == 1) {
    if (leaf_lost_) return false;
    leaf_lost_ = true;
    return true;
  }
  left_.pop_back();
  divide(range);
  return true;
}

bool Division::settled() {
  left_.pop_back();
  leaf_lost_ = false;
  return !left_.empty();
}

void Division::divide(LeafRange range) {
  const std::uint64_t middle = range.begin + std::bit_ceil(range.end - range.begin) / 2;
  left_.push_back({middle, range.end});
  left_.push_back({range.begin, middle});
}

}  // namespace tally::sched

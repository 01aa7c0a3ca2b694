// The exact sum of a run of a range, every element visited, in 128 bits.
#pragma once

#include <cstdint>

#include "ipc/base/int128.h"
#include "runtime/reduce/state.h"

namespace tally::reduce {

struct RangeSum {
  Int128 total = 0;
  std::uint64_t visited = 0;  // counted by the loops that make the elements
};

RangeSum range_sum(const RangeBlock& block);

}  // namespace tally::reduce

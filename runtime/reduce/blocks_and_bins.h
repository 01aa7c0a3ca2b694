// What the exact sums of floats have in common: blocks go to a kernel, and what it
// leaves into bins, which are emptied into the sum when they are full and in the end.
#pragma once

#include <algorithm>
#include <cstddef>
#include <optional>

#include "runtime/reduce/float_blocks.h"
#include "runtime/reduce/float_parts.h"

namespace tally::reduce {

// Of `count` elements, or pairs:
//   by_blocks(run) -> BlockRun   adds blocks from run.visited on, and to run.seen what
//                                it saw
//   by_bins(at, n, bins) -> FloatRun   adds n elements from `at` on to the bins
// Bins: empty when made; kRoom elements fit; empty_into(sum).
template <typename Bins, typename Sum, typename ByBlocks, typename ByBins>
inline FloatRun by_blocks_and_bins(std::size_t count, Sum& into,
                                   const ByBlocks& by_blocks, const ByBins& by_bins) {
  std::optional<Bins> bins;
  std::size_t room = Bins::kRoom;
  FloatRun run;
  while (run.visited < count) {
    const BlockRun done = by_blocks(run);
    run.visited += done.visited;
    if (done.leave == 0) continue;
    if (!bins) bins.emplace();
    const std::size_t leave = std::min(done.leave, Bins::kRoom);
    if (room < leave) {
      bins->empty_into(into);
      room = Bins::kRoom;
    }
    room -= leave;
    const FloatRun left = by_bins(run.visited, leave, *bins);
    run.seen |= left.seen;
    run.visited += left.visited;
  }
  if (bins) bins->empty_into(into);
  return run;
}

}  // namespace tally::reduce

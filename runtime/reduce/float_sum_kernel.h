// The inner loop of float sums, on Highway, dispatched at run time: anchored
// extraction.
//
// Elements of at most 2^(e+1) are split at fixed places: adding x to an anchor
// 1.5 * 2^(52+g) rounds it to a multiple of 2^g, and taking the anchor's change off x
// leaves the rest, exactly. The anchor goes on as the accumulator: its bits less the
// first anchor's are, at the end of a block, the whole number of units of 2^g that were
// added. Each level takes 43 bits, so a block has room in the 52; a block whose last
// rest is not zero, or that holds more than was planned for, is not added at all.
//
// The additions must round to nearest, and subnormals must count: run it under a
// FloatEnvironment.
//
// Cutting by a large constant: S. M. Rump, T. Ogita, S. Oishi, Accurate Floating-Point
// Summation Part I, SIAM J. Sci. Comput. 31(1), 2008; at the same places for all: J.
// Demmel, H. D. Nguyen, Parallel Reproducible Summation, IEEE TC 64(7), 2015.
#pragma once

#include <cstddef>
#include <cstdint>

#include "runtime/reduce/float_blocks.h"
#include "runtime/reduce/superaccumulator.h"

namespace tally::reduce {

// Adds whole blocks, up to the end or to one that is not for it: all zeros, infinities,
// NaNs, exponents too far apart. What it leaves is the caller's. In each block that it
// adds, something is not zero. No alignment is asked for.
BlockRun anchored_sum(const float* data, std::size_t count, Superaccumulator& into,
                      BlockPlan& plan);
BlockRun anchored_sum(const double* data, std::size_t count, Superaccumulator& into,
                      BlockPlan& plan);

}  // namespace tally::reduce

// The inner loop of sums of squares of floats, on Highway, dispatched at run time:
// fixed-point digits.
//
// Elements below 2^(e+1) in size are cut into signed digits of 28 bits at fixed places:
// adding x to an anchor 1.5 * 2^(52+g) leaves, in the low 32 bits of the result, x in
// units of 2^g, rounded to a whole number; taking that off x leaves the rest, exactly.
// A digit is at most 2^27 in size, so integer multiplication has the product of two in
// 64 bits exactly, with room for 2^8 of them. What is added up is whole numbers, so
// nothing can under- or overflow, whatever the squares of the elements would do as
// doubles, and no fused multiplication is needed. A block whose last rest is not zero,
// or that holds more than was planned for, is not added at all. The digits have the sum
// of the elements in them, too, so that both sums come of one reading.
//
// The additions must round to nearest, and subnormals must count: run it under a
// FloatEnvironment.
#pragma once

#include <cstddef>

#include "runtime/reduce/float_blocks.h"
#include "runtime/reduce/product_sum.h"
#include "runtime/reduce/superaccumulator.h"

namespace tally::reduce {

// Adds the squares of whole blocks, up to the end or to one that is not for it:
// infinities, NaNs, exponents too far apart or too large, zeros alone. What it leaves
// is the caller's. No alignment is asked for.
BlockRun squares_by_digits(const float* data, std::size_t count, ProductSum& into,
                           BlockPlan& plan);
BlockRun squares_by_digits(const double* data, std::size_t count, ProductSum& into,
                           BlockPlan& plan);

// One block, of which sum, least and greatest were taken on the way.
struct MomentsBlock {
  std::size_t visited = 0;  // 0: it is not for the kernel, and nothing was added
  double least = 0;         // either zero stands for both; not all elements are zero
  double greatest = 0;
};

// Adds the first block, and its squares, unless it is not for the kernel.
MomentsBlock moments_by_digits(const float* data, std::size_t count,
                               Superaccumulator& sum, ProductSum& squares,
                               BlockPlan& plan);
MomentsBlock moments_by_digits(const double* data, std::size_t count,
                               Superaccumulator& sum, ProductSum& squares,
                               BlockPlan& plan);

}  // namespace tally::reduce

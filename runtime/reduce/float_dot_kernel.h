// The inner loop of dot products of floats, on Highway, dispatched at run time:
// fixed-point digits, as float_squares_kernel.h has them, of both elements of a pair.
//
// With x cut into digits of weight 2^(g - 28k) and y into digits of weight 2^(h - 28j),
// the product of digits k and j weighs 2^(g + h - 28(k + j)): products of equal k + j
// are added in one lane. They are at most 2^54 in size, and a lane has room for 2^9 of
// them, less one.
//
// The additions must round to nearest, and subnormals must count: run it under a
// FloatEnvironment.
#pragma once

#include <cstddef>

#include "runtime/reduce/float_blocks.h"
#include "runtime/reduce/product_sum.h"

namespace tally::reduce {

// How the last block was split. No part of a value.
struct DotPlan {
  int x_exponent = 0;  // all elements are below 2^(exponent + 1)
  int y_exponent = 0;
  int parts = 0;  // of each element of either; 0: no guess
  unsigned blocks = 0;
};

// Adds the products of whole blocks of pairs, up to the end or to one that is not for
// it: infinities, NaNs, exponents too far apart, too large or too small, zeros alone.
// What it leaves is the caller's. No alignment is asked for.
BlockRun dot_by_digits(const float* x, const float* y, std::size_t count,
                       ProductSum& into, DotPlan& plan);
BlockRun dot_by_digits(const double* x, const double* y, std::size_t count,
                       ProductSum& into, DotPlan& plan);

}  // namespace tally::reduce

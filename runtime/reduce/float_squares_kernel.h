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

#include "runtime/reduce/square_sum.h"
#include "runtime/reduce/superaccumulator.h"

namespace tally::reduce {

// How the last block was cut, for a guess at the next one. No part of a sum's value.
struct SquaresPlan {
  int exponent = 0;  // all elements are below 2^(exponent + 1)
  int digits = 0;    // 0: no guess
  unsigned blocks = 0;
};

struct DigitRun {
  std::size_t visited = 0;  // elements whose squares were added, from the first on
  std::size_t leave = 0;    // then so many, in the block that was not added
};

// Adds the squares of whole blocks, up to the end or to one that is not for it:
// infinities, NaNs, exponents too far apart or too large, zeros alone. What it leaves
// is the caller's. No alignment is asked for.
DigitRun squares_by_digits(const float* data, std::size_t count, SquareSum& into,
                           SquaresPlan& plan);
DigitRun squares_by_digits(const double* data, std::size_t count, SquareSum& into,
                           SquaresPlan& plan);

// One block, of which sum, least and greatest were taken on the way.
struct MomentsBlock {
  std::size_t visited = 0;  // 0: it is not for the kernel, and nothing was added
  double least = 0;         // either zero stands for both; not all elements are zero
  double greatest = 0;
};

// Adds the first block, and its squares, unless it is not for the kernel.
MomentsBlock moments_by_digits(const float* data, std::size_t count,
                               Superaccumulator& sum, SquareSum& squares,
                               SquaresPlan& plan);
MomentsBlock moments_by_digits(const double* data, std::size_t count,
                               Superaccumulator& sum, SquareSum& squares,
                               SquaresPlan& plan);

}  // namespace tally::reduce

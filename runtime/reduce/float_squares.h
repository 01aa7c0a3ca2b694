// float_squares: adds the squares of packed floats or doubles exactly into a
// ProductSum.
//
// Long runs go by blocks through float_squares_kernel.h. Blocks that are not for it go
// through bins: a mantissa has 53 bits and its square 106, and squares are added as
// 128-bit integers in one bin for each exponent, which are emptied into the sum before
// they could overflow. Short runs are added one by one. Which way an element went does
// not show.
#pragma once

#include <cstddef>

#include "runtime/reduce/float_parts.h"
#include "runtime/reduce/float_squares_kernel.h"
#include "runtime/reduce/product_sum.h"

namespace tally::reduce {

// Infinities and NaNs are told by the flags and not added. `plan` is what was learnt of
// the elements before these.
FloatRun float_squares(const float* data, std::size_t count, ProductSum& into,
                       BlockPlan& plan);
FloatRun float_squares(const double* data, std::size_t count, ProductSum& into,
                       BlockPlan& plan);

}  // namespace tally::reduce

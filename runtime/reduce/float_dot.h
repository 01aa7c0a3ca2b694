// float_dot: adds the products of pairs of packed floats or doubles exactly into a
// ProductSum.
//
// Long runs go by blocks through float_dot_kernel.h. Blocks that are not for it go
// through bins: the product of two mantissas of 53 bits has 106, and products are added
// as 128-bit integers in one bin for each sum of exponents, which are emptied into the
// ProductSum before they could overflow. Short runs are added one by one. Which way a
// pair went does not show.
#pragma once

#include <cstddef>
#include <cstdint>

#include "runtime/reduce/float_dot_kernel.h"
#include "runtime/reduce/float_parts.h"
#include "runtime/reduce/product_sum.h"

namespace tally::reduce {

// The flags tell of the products as IEEE 754 has them: infinity times zero is NaN, and
// a product of zero has a sign. Those that are no numbers are not added. `seen` is what
// the caller knows already, and `plan` what was learnt of the pairs before these.
FloatRun float_dot(const float* x, const float* y, std::size_t count, ProductSum& into,
                   std::uint8_t seen, DotPlan& plan);
FloatRun float_dot(const double* x, const double* y, std::size_t count,
                   ProductSum& into, std::uint8_t seen, DotPlan& plan);

}  // namespace tally::reduce

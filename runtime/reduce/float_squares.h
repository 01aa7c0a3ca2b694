// float_squares: adds the squares of packed floats or doubles exactly into a SquareSum.
//
// A mantissa has 53 bits and its square 106: squares go as 128-bit integers into one
// bin for each exponent, and the bins are emptied into the sum before they could
// overflow. Short runs are added one by one. Which way an element went does not show.
#pragma once

#include <cstddef>

#include "runtime/reduce/float_parts.h"
#include "runtime/reduce/square_sum.h"

namespace tally::reduce {

// Infinities and NaNs are told by the flags and not added.
FloatRun float_squares(const float* data, std::size_t count, SquareSum& into);
FloatRun float_squares(const double* data, std::size_t count, SquareSum& into);

}  // namespace tally::reduce

// float_sum: adds packed floats or doubles exactly into a superaccumulator.
//
// Long runs go by blocks through float_sum_kernel.h. Blocks that are not for it go
// through exponent bins: elements whose exponents share their upper eight bits are
// added as 128-bit integers, and the bins are emptied into the accumulator at the end
// of the run. Short runs are added one by one. Which way an element went does not show.
#pragma once

#include <cstddef>

#include "runtime/reduce/float_parts.h"
#include "runtime/reduce/float_sum_kernel.h"
#include "runtime/reduce/superaccumulator.h"

namespace tally::reduce {

// Infinities and NaNs are told by the flags and not added. `plan` is what was learnt of
// the elements before these.
FloatRun float_sum(const float* data, std::size_t count, Superaccumulator& into,
                   BlockPlan& plan);
FloatRun float_sum(const double* data, std::size_t count, Superaccumulator& into,
                   BlockPlan& plan);

}  // namespace tally::reduce

// float_sum: adds packed floats or doubles exactly into a superaccumulator.
//
// Long runs go through exponent bins: elements whose exponents share their upper eight
// bits are added as 128-bit integers, and the bins are emptied into the accumulator at
// the end of the run. Arithmetic is on integers only.
#pragma once

#include <cstddef>
#include <cstdint>

#include "runtime/reduce/superaccumulator.h"

namespace tally::reduce {

// What elements were seen, where the fixed-point sum cannot tell.
enum SeenFlag : std::uint8_t {
  kSeenNan = 1,
  kSeenPositiveInfinity = 2,
  kSeenNegativeInfinity = 4,
  kSeenNegativeZero = 8,
  kSeenOther = 16,  // anything but -0; set with each of the first three
};
inline constexpr std::uint8_t kAllSeenFlags = 31;

struct FloatRun {
  std::uint8_t seen = 0;    // SeenFlags
  std::size_t visited = 0;  // counted by the loop that reads the elements
};

// Infinities and NaNs are told by the flags and not added.
FloatRun float_sum(const float* data, std::size_t count, Superaccumulator& into);
FloatRun float_sum(const double* data, std::size_t count, Superaccumulator& into);

}  // namespace tally::reduce

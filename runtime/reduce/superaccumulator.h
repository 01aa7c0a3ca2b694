// Superaccumulator: the exact sum of any number of doubles, in fixed point.
//
// 34 limbs of 64 bits, two's complement, least bit 2^-1075. A double is m * 2^(e-1075)
// with m < 2^53 and 1 <= e <= 2046, so 2^64 of them need 2163 bits and a sign; there
// are 2176. The least bit is half of the smallest subnormal: an exponent is then a bit
// number as it stands, and a quotient has the bit that rounding looks at.
//
// Arithmetic is on integers only: rounding modes, FTZ and DAZ of the host do not
// reach it. Adding is commutative and associative to the bit. (Kulisch; Neal 2015.)
//
// Errors: none; limbs wrap, which no input can bring about. Threads: a plain value.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>

#include "ipc/base/int128.h"

#ifdef __FAST_MATH__
#error "tally's sums are exact only without -ffast-math"
#endif

namespace tally::reduce {

class Superaccumulator {
 public:
  static constexpr std::size_t kLimbs = 34;
  static constexpr unsigned kOneBit = 1075;  // the number of the bit that weighs 1
  using Limbs = std::array<std::uint64_t, kLimbs>;  // least first

  Superaccumulator() = default;
  explicit Superaccumulator(const Limbs& limbs) : limbs_(limbs) {}

  // Adds value * 2^(bit - 1075). Precondition: bit < 2112.
  void add(Int128 value, unsigned bit);
  void merge(const Superaccumulator& from);

  // *this / divisor, rounded once, to nearest, ties to even: subnormal where it must
  // be, infinite only if the true quotient rounds so. Zero gives +0; what is below it
  // and rounds to it, -0. Precondition: divisor > 0.
  double rounded_quotient(std::uint64_t divisor) const;

  bool is_negative() const { return (limbs_.back() >> 63) != 0; }
  Limbs magnitude() const;  // the absolute value
  bool is_zero() const { return limbs_ == Limbs{}; }
  const Limbs& limbs() const { return limbs_; }

 private:
  Limbs limbs_{};
};

}  // namespace tally::reduce

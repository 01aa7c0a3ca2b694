// SquareSum: the exact sum of the squares of any number of doubles, in fixed point.
//
// 67 limbs of 64 bits, least bit 2^-2150: the square of a Superaccumulator's, so that
// an element m * 2^(e-1075) adds m^2 at bit 2e, and the square of a sum and a sum of
// squares are in the same unit. 2^64 squares of doubles need 4262 bits; there are 4288.
// (Kulisch's accumulator, which has room for products.)
//
// Arithmetic is on integers only. Adding is commutative and associative to the bit.
// Errors: none; limbs wrap, which no input can bring about. Threads: a plain value.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>

#include "ipc/base/int128.h"

namespace tally::reduce {

class SquareSum {
 public:
  static constexpr std::size_t kLimbs = 67;
  static constexpr unsigned kOneBit = 2150;  // the number of the bit that weighs 1
  static constexpr unsigned kBitsInReach = 4262;
  using Limbs = std::array<std::uint64_t, kLimbs>;  // least first

  SquareSum() = default;
  explicit SquareSum(const Limbs& limbs) : limbs_(limbs) {}

  // Adds value * 2^(bit - 2150). A term below zero (twice the product of two parts of
  // an element) comes with those that make its square. Precondition: bit < 4224.
  void add(Int128 value, unsigned bit);
  void merge(const SquareSum& from);

  // Nothing that 2^64 doubles cannot reach.
  bool is_in_reach() const;
  const Limbs& limbs() const { return limbs_; }

 private:
  Limbs limbs_{};
};

}  // namespace tally::reduce

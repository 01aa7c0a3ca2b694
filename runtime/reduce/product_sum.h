// ProductSum: the exact sum of any number of products of two doubles, squares among
// them, in fixed point.
//
// 67 limbs of 64 bits, two's complement, least bit 2^-2150: the square of a
// Superaccumulator's, so that elements m * 2^(e-1075) and n * 2^(f-1075) add m * n at
// bit e + f, and the square of a sum and a sum of squares are in the same unit. 2^64
// products need 4262 bits and a sign; there are 4288. (Kulisch's accumulator.)
//
// Arithmetic is on integers only. Adding is commutative and associative to the bit.
// Errors: none; limbs wrap, which no input can bring about. Threads: a plain value.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>

#include "ipc/base/int128.h"

namespace tally::reduce {

class ProductSum {
 public:
  static constexpr std::size_t kLimbs = 67;
  static constexpr unsigned kOneBit = 2150;       // the number of the bit that weighs 1
  static constexpr unsigned kBitsInReach = 4262;  // beside the sign
  using Limbs = std::array<std::uint64_t, kLimbs>;  // least first

  ProductSum() = default;
  explicit ProductSum(const Limbs& limbs) : limbs_(limbs) {}

  // Adds value * 2^(bit - 2150). Precondition: bit < 4224.
  void add(Int128 value, unsigned bit);
  void merge(const ProductSum& from);

  // Rounded once, to nearest, ties to even: subnormal where it must be, infinite only
  // if the true value rounds so. Zero gives +0; what is below it and rounds to it, -0.
  double rounded() const;

  // Nothing that 2^64 products of doubles cannot reach.
  bool is_in_reach() const;
  bool is_zero() const { return limbs_ == Limbs{}; }
  bool is_negative() const { return (limbs_.back() >> 63) != 0; }
  const Limbs& limbs() const { return limbs_; }

 private:
  Limbs limbs_{};
};

}  // namespace tally::reduce

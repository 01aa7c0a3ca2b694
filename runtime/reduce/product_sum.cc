#include "runtime/reduce/product_sum.h"

#include <bit>

#include "runtime/reduce/limbs.h"
#include "runtime/reduce/superaccumulator.h"

namespace tally::reduce {

void ProductSum::add(Int128 value, unsigned bit) {
  add_at(limbs_, value, bit);
}

void ProductSum::merge(const ProductSum& from) {
  add_limbs(limbs_, from.limbs_);
}

double ProductSum::rounded() const {
  Limbs magnitude = limbs_;
  if (is_negative()) negate_limbs(magnitude);
  const std::uint64_t bits =
      round_to_double(magnitude, false, Superaccumulator::kOneBit);
  return std::bit_cast<double>((std::uint64_t{is_negative()} << 63) | bits);
}

bool ProductSum::is_in_reach() const {
  constexpr unsigned kBitsUsedAtTop = kBitsInReach - kLimbBits * (kLimbs - 1);
  const auto top = static_cast<std::int64_t>(limbs_.back()) >> kBitsUsedAtTop;
  return top == 0 || top == -1;
}

}  // namespace tally::reduce

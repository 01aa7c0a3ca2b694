#include "runtime/reduce/dot_sum.h"

#include <bit>

#include "runtime/reduce/limbs.h"
#include "runtime/reduce/superaccumulator.h"

namespace tally::reduce {

void DotSum::add(Int128 value, unsigned bit) {
  add_at(limbs_, value, bit);
}

void DotSum::merge(const DotSum& from) {
  add_limbs(limbs_, from.limbs_);
}

double DotSum::rounded() const {
  const bool negative = (limbs_.back() >> 63) != 0;
  Limbs magnitude = limbs_;
  if (negative) negate_limbs(magnitude);
  const std::uint64_t bits =
      round_to_double(magnitude, false, Superaccumulator::kOneBit);
  return std::bit_cast<double>((std::uint64_t{negative} << 63) | bits);
}

bool DotSum::is_in_reach() const {
  constexpr unsigned kBitsUsedAtTop = kBitsInReach - kLimbBits * (kLimbs - 1);
  const auto top = static_cast<std::int64_t>(limbs_.back()) >> kBitsUsedAtTop;
  return top == 0 || top == -1;
}

}  // namespace tally::reduce

#include "runtime/reduce/square_sum.h"

#include "runtime/reduce/limbs.h"

namespace tally::reduce {

void SquareSum::add(Int128 value, unsigned bit) {
  add_at(limbs_, value, bit);
}

void SquareSum::merge(const SquareSum& from) {
  add_limbs(limbs_, from.limbs_);
}

bool SquareSum::is_in_reach() const {
  constexpr unsigned kBitsUsedAtTop = kBitsInReach - kLimbBits * (kLimbs - 1);
  return (limbs_.back() >> kBitsUsedAtTop) == 0;
}

}  // namespace tally::reduce

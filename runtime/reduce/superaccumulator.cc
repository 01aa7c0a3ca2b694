#include "runtime/reduce/superaccumulator.h"

#include <bit>

#include "ipc/base/check.h"
#include "runtime/reduce/limbs.h"

namespace tally::reduce {

void Superaccumulator::add(Int128 value, unsigned bit) {
  add_at(limbs_, value, bit);
}

void Superaccumulator::merge(const Superaccumulator& from) {
  add_limbs(limbs_, from.limbs_);
}

Superaccumulator::Limbs Superaccumulator::magnitude() const {
  Limbs magnitude = limbs_;
  if (is_negative()) negate_limbs(magnitude);
  return magnitude;
}

double Superaccumulator::rounded_quotient(std::uint64_t divisor) const {
  TALLY_CHECK(divisor > 0);
  Limbs quotient = magnitude();
  const bool more = divisor != 1 && divide_limbs(quotient, divisor);
  const std::uint64_t sign = std::uint64_t{is_negative()} << 63;
  return std::bit_cast<double>(sign | round_to_double(quotient, more));
}

}  // namespace tally::reduce

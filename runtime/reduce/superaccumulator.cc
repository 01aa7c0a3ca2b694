#include "runtime/reduce/superaccumulator.h"

#include <algorithm>
#include <bit>

#include "ipc/base/check.h"

namespace tally::reduce {
namespace {

using Limbs = Superaccumulator::Limbs;
constexpr std::size_t kLimbs = Superaccumulator::kLimbs;
constexpr unsigned kLimbBits = 64;

// Adds `addend` and `carry` into `limb`; gives the carry out.
std::uint64_t add_limb(std::uint64_t& limb, std::uint64_t addend, std::uint64_t carry) {
  const UInt128 sum = UInt128{limb} + addend + carry;
  limb = static_cast<std::uint64_t>(sum);
  return static_cast<std::uint64_t>(sum >> kLimbBits);
}

void negate(Limbs& limbs) {
  std::uint64_t carry = 1;
  for (std::uint64_t& limb : limbs) {
    limb = ~limb;
    carry = add_limb(limb, 0, carry);
  }
}

// Divides in place; true if something remained.
bool divide(Limbs& limbs, std::uint64_t divisor) {
  UInt128 rest = 0;
  for (std::size_t i = kLimbs; i-- > 0;) {
    const UInt128 part = (rest << kLimbBits) | limbs[i];
    limbs[i] = static_cast<std::uint64_t>(part / divisor);
    rest = part % divisor;
  }
  return rest != 0;
}

// The number of the highest set bit. Precondition: there is one.
unsigned highest_bit(const Limbs& limbs) {
  std::size_t i = kLimbs - 1;
  while (limbs[i] == 0) --i;
  return static_cast<unsigned>(i) * kLimbBits + kLimbBits - 1 -
         static_cast<unsigned>(std::countl_zero(limbs[i]));
}

bool bit_at(const Limbs& limbs, unsigned bit) {
  return ((limbs[bit / kLimbBits] >> (bit % kLimbBits)) & 1U) != 0;
}

bool any_bit_below(const Limbs& limbs, unsigned bit) {
  const std::size_t whole = bit / kLimbBits;
  for (std::size_t i = 0; i < whole; ++i)
    if (limbs[i] != 0) return true;
  const std::uint64_t mask = (std::uint64_t{1} << (bit % kLimbBits)) - 1;
  return (limbs[whole] & mask) != 0;
}

// The 64 bits from number `bit` on.
std::uint64_t bits_from(const Limbs& limbs, unsigned bit) {
  const std::size_t i = bit / kLimbBits;
  const UInt128 high = i + 1 < kLimbs ? limbs[i + 1] : 0;
  const UInt128 pair = (high << kLimbBits) | limbs[i];
  return static_cast<std::uint64_t>(pair >> (bit % kLimbBits));
}

// The bits of the double nearest to `magnitude`, which is not all of the value if
// `more` lies below its least bit.
std::uint64_t round_to_double(const Limbs& magnitude, bool more) {
  constexpr std::uint64_t kInfinity = 0x7FF0'0000'0000'0000;
  if (magnitude == Limbs{}) return 0;  // below 2^-1075: less than half a subnormal
  const unsigned top = highest_bit(magnitude);
  // The last bit kept: 52 below the first, but never under 2^-1074, which is bit 1.
  const unsigned last = std::max(top, 53U) - 52;
  // With the hidden bit counted in, the exponent field starts one lower; so this
  // holds for subnormals too, and rounding up may carry into the exponent.
  std::uint64_t bits = (std::uint64_t{last - 1} << 52) + bits_from(magnitude, last);
  const bool half = bit_at(magnitude, last - 1);
  const bool over_half = more || any_bit_below(magnitude, last - 1);
  if (half && (over_half || (bits & 1U) != 0)) ++bits;
  return std::min(bits, kInfinity);
}

}  // namespace

void Superaccumulator::add(Int128 value, unsigned bit) {
  const std::size_t first = bit / kLimbBits;
  const unsigned shift = bit % kLimbBits;
  const std::uint64_t sign = value < 0 ? ~std::uint64_t{0} : 0;
  const UInt128 low = static_cast<UInt128>(value) << shift;
  const std::uint64_t high =
      shift == 0 ? sign : static_cast<std::uint64_t>(value >> (128 - shift));
  std::uint64_t carry = add_limb(limbs_[first], static_cast<std::uint64_t>(low), 0);
  std::size_t i = first + 1;
  carry = add_limb(limbs_[i++], static_cast<std::uint64_t>(low >> kLimbBits), carry);
  if (i < kLimbs) carry = add_limb(limbs_[i++], high, carry);
  // Above it there is only sign: all ones and a carry, or zeros and none, cancel.
  for (; i < kLimbs && (sign & 1U) != carry; ++i)
    carry = add_limb(limbs_[i], sign, carry);
}

void Superaccumulator::merge(const Superaccumulator& from) {
  std::uint64_t carry = 0;
  for (std::size_t i = 0; i < kLimbs; ++i)
    carry = add_limb(limbs_[i], from.limbs_[i], carry);
}

double Superaccumulator::rounded_quotient(std::uint64_t divisor) const {
  TALLY_CHECK(divisor > 0);
  Limbs magnitude = limbs_;
  const bool negative = (limbs_[kLimbs - 1] >> (kLimbBits - 1)) != 0;
  if (negative) negate(magnitude);
  const bool more = divisor != 1 && divide(magnitude, divisor);
  const std::uint64_t sign = std::uint64_t{negative} << 63;
  return std::bit_cast<double>(sign | round_to_double(magnitude, more));
}

}  // namespace tally::reduce

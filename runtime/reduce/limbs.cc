#include "runtime/reduce/limbs.h"

#include <algorithm>
#include <bit>

namespace tally::reduce {
namespace {

// Adds `addend` and `carry` into `limb`; gives the carry out.
std::uint64_t add_limb(std::uint64_t& limb, std::uint64_t addend, std::uint64_t carry) {
  const UInt128 sum = UInt128{limb} + addend + carry;
  limb = static_cast<std::uint64_t>(sum);
  return static_cast<std::uint64_t>(sum >> kLimbBits);
}

// The number of the highest set bit. Precondition: there is one.
unsigned highest_bit(ConstLimbSpan limbs) {
  std::size_t i = limbs.size() - 1;
  while (limbs[i] == 0) --i;
  return static_cast<unsigned>(i) * kLimbBits + kLimbBits - 1 -
         static_cast<unsigned>(std::countl_zero(limbs[i]));
}

bool bit_at(ConstLimbSpan limbs, unsigned bit) {
  return ((limbs[bit / kLimbBits] >> (bit % kLimbBits)) & 1U) != 0;
}

bool any_bit_below(ConstLimbSpan limbs, unsigned bit) {
  const std::size_t whole = bit / kLimbBits;
  if (!is_zero(limbs.first(whole))) return true;
  const std::uint64_t mask = (std::uint64_t{1} << (bit % kLimbBits)) - 1;
  return (limbs[whole] & mask) != 0;
}

// The 64 bits from number `bit` on.
std::uint64_t bits_from(ConstLimbSpan limbs, unsigned bit) {
  const std::size_t i = bit / kLimbBits;
  const UInt128 high = i + 1 < limbs.size() ? limbs[i + 1] : 0;
  const UInt128 pair = (high << kLimbBits) | limbs[i];
  return static_cast<std::uint64_t>(pair >> (bit % kLimbBits));
}

// The greatest integer whose square is not above `square`, found bit by bit.
std::uint64_t integer_root(UInt128 square) {
  std::uint64_t root = 0;
  for (unsigned bit = kLimbBits; bit-- > 0;) {
    const std::uint64_t candidate = root | (std::uint64_t{1} << bit);
    if (UInt128{candidate} * candidate <= square) root = candidate;
  }
  return root;
}

}  // namespace

void add_at(LimbSpan limbs, Int128 value, unsigned bit) {
  const unsigned shift = bit % kLimbBits;
  const std::uint64_t sign = value < 0 ? ~std::uint64_t{0} : 0;
  const UInt128 low = static_cast<UInt128>(value) << shift;
  const std::uint64_t high =
      shift == 0 ? sign : static_cast<std::uint64_t>(value >> (128 - shift));
  std::size_t i = bit / kLimbBits;
  std::uint64_t carry = add_limb(limbs[i++], static_cast<std::uint64_t>(low), 0);
  carry = add_limb(limbs[i++], static_cast<std::uint64_t>(low >> kLimbBits), carry);
  if (i < limbs.size()) carry = add_limb(limbs[i++], high, carry);
  // Above it there is only sign: all ones and a carry, or zeros and none, cancel.
  for (; i < limbs.size() && (sign & 1U) != carry; ++i)
    carry = add_limb(limbs[i], sign, carry);
}

void add_limbs(LimbSpan limbs, ConstLimbSpan addend) {
  std::uint64_t carry = 0;
  for (std::size_t i = 0; i < limbs.size(); ++i)
    carry = add_limb(limbs[i], addend[i], carry);
}

bool subtract_limbs(LimbSpan limbs, ConstLimbSpan subtrahend) {
  std::uint64_t carry = 1;
  for (std::size_t i = 0; i < limbs.size(); ++i)
    carry = add_limb(limbs[i], ~subtrahend[i], carry);
  return carry == 0;
}

void negate_limbs(LimbSpan limbs) {
  std::uint64_t carry = 1;
  for (std::uint64_t& limb : limbs) {
    limb = ~limb;
    carry = add_limb(limb, 0, carry);
  }
}

void multiply_limbs(ConstLimbSpan a, ConstLimbSpan b, LimbSpan into) {
  std::fill(into.begin(), into.end(), 0);
  for (std::size_t i = 0; i < a.size(); ++i) {
    if (a[i] == 0) continue;
    std::uint64_t carry = 0;
    for (std::size_t j = 0; j < b.size(); ++j) {
      const UInt128 part = UInt128{a[i]} * b[j] + into[i + j] + carry;
      into[i + j] = static_cast<std::uint64_t>(part);
      carry = static_cast<std::uint64_t>(part >> kLimbBits);
    }
    into[i + b.size()] = carry;
  }
}

bool divide_limbs(LimbSpan limbs, std::uint64_t divisor) {
  UInt128 rest = 0;
  for (std::size_t i = limbs.size(); i-- > 0;) {
    const UInt128 part = (rest << kLimbBits) | limbs[i];
    limbs[i] = static_cast<std::uint64_t>(part / divisor);
    rest = part % divisor;
  }
  return rest != 0;
}

// With q the number and 4^k the weight of what is cut off, the root of floor(q / 4^k)
// is that of q, shifted by k, both rounded down; so the upper 128 bits are enough.
bool root_limbs(LimbSpan limbs) {
  if (is_zero(limbs)) return false;
  const unsigned top = highest_bit(limbs);
  const unsigned cut = top < 128 ? 0 : (top - 126) & ~1U;
  const UInt128 upper =
      (UInt128{bits_from(limbs, cut + kLimbBits)} << kLimbBits) | bits_from(limbs, cut);
  const std::uint64_t root = integer_root(upper);
  const bool more = UInt128{root} * root != upper || any_bit_below(limbs, cut);
  std::fill(limbs.begin(), limbs.end(), 0);
  const unsigned shift = cut / 2 % kLimbBits;
  const UInt128 shifted = UInt128{root} << shift;
  limbs[cut / 2 / kLimbBits] = static_cast<std::uint64_t>(shifted);
  limbs[cut / 2 / kLimbBits + 1] = static_cast<std::uint64_t>(shifted >> kLimbBits);
  return more;
}

bool is_zero(ConstLimbSpan limbs) {
  return std::all_of(limbs.begin(), limbs.end(),
                     [](std::uint64_t limb) { return limb == 0; });
}

std::uint64_t round_to_double(ConstLimbSpan magnitude, bool more, unsigned one) {
  constexpr std::uint64_t kInfinity = 0x7FF0'0000'0000'0000;
  if (is_zero(magnitude)) return 0;  // and `more` is less than half a subnormal
  const unsigned top = highest_bit(magnitude);
  // The last bit kept: 52 below the first, but never under 2^-1074.
  const unsigned last = std::max(top, 53U + one) - 52;
  // With the hidden bit counted in, the exponent field starts one lower; so this
  // holds for subnormals too, and rounding up may carry into the exponent.
  std::uint64_t bits =
      (std::uint64_t{last - one - 1} << 52) + bits_from(magnitude, last);
  const bool half = bit_at(magnitude, last - 1);
  const bool over_half = more || any_bit_below(magnitude, last - 1);
  if (half && (over_half || (bits & 1U) != 0)) ++bits;
  return std::min(bits, kInfinity);
}

}  // namespace tally::reduce

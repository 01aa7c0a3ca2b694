// Floats taken apart: sign, exponent, mantissa, and a walk over them that tells apart
// what fixed point cannot hold. On integers only: the host's DAZ does not reach it.
#pragma once

#include <bit>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <optional>

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

// What was seen in two places. Whether -0 was only matters if nothing else was.
inline std::uint8_t seen_together(std::uint8_t a, std::uint8_t b) {
  const std::uint8_t seen = a | b;
  return (seen & kSeenOther) != 0 ? seen & (kAllSeenFlags - kSeenNegativeZero) : seen;
}

// Whether a sum can have these flags, if that of its finite terms is zero or not.
inline bool can_be_seen(std::uint64_t seen, bool is_zero) {
  constexpr unsigned kSpecial =
      kSeenNan | kSeenPositiveInfinity | kSeenNegativeInfinity;
  constexpr unsigned kBoth = kSeenNegativeZero | kSeenOther;
  if (seen > kAllSeenFlags || (seen & kBoth) == kBoth) return false;
  const bool other_is_due = (seen & kSpecial) != 0 || !is_zero;
  return !other_is_due || (seen & kSeenOther) != 0;
}

// The sum, where the flags alone tell it.
inline std::optional<double> special_sum(std::uint8_t seen) {
  using Limits = std::numeric_limits<double>;
  const bool up = (seen & kSeenPositiveInfinity) != 0;
  const bool down = (seen & kSeenNegativeInfinity) != 0;
  if ((seen & kSeenNan) != 0 || (up && down)) return Limits::quiet_NaN();
  if (up) return Limits::infinity();
  if (down) return -Limits::infinity();
  if (seen == kSeenNegativeZero) return -0.0;
  return std::nullopt;
}

struct FloatRun {
  std::uint8_t seen = 0;    // SeenFlags
  std::size_t visited = 0;  // counted by the loop that reads the elements
};

inline constexpr std::uint64_t kHiddenBit = std::uint64_t{1} << 52;
inline constexpr unsigned kSpecialExponent = 0x7FF;

// sign * mantissa * 2^(exponent - 1075); exponent kSpecialExponent: infinity (mantissa
// 2^52) or NaN.
struct Parts {
  bool negative;
  unsigned exponent;
  std::uint64_t mantissa;
};

inline Parts parts_of(double value) {
  const auto bits = std::bit_cast<std::uint64_t>(value);
  const auto field = static_cast<unsigned>(bits >> 52) & kSpecialExponent;
  const std::uint64_t hidden = field != 0 ? kHiddenBit : 0;
  return {(bits >> 63) != 0, field | unsigned{field == 0},
          (bits & (kHiddenBit - 1)) | hidden};
}

// Widened by hand: a conversion would depend on the host's DAZ.
inline Parts parts_of(float value) {
  const auto bits = std::bit_cast<std::uint32_t>(value);
  const unsigned field = (bits >> 23) & 0xFFU;
  const std::uint64_t hidden = field != 0 ? kHiddenBit : 0;
  const unsigned exponent =
      field == 0xFF ? kSpecialExponent : (field | unsigned{field == 0}) + (1023 - 127);
  return {(bits >> 31) != 0, exponent,
          (std::uint64_t{bits & 0x7F'FFFFU} << 29) | hidden};
}

inline std::uint8_t flags_of_special(const Parts& parts) {
  if (parts.mantissa != kHiddenBit) return kSeenNan | kSeenOther;
  return (parts.negative ? kSeenNegativeInfinity : kSeenPositiveInfinity) | kSeenOther;
}

inline bool is_negative_zero(const Parts& parts) {
  return parts.negative && parts.mantissa == 0;
}

// Hands every finite element to add(parts).
template <typename T, typename Add>
inline FloatRun visit_floats(const T* data, std::size_t count, Add&& add) {
  FloatRun run;
  bool any_negative_zero = false;
  bool any_other = false;
  for (; run.visited < count; ++run.visited) {
    const Parts parts = parts_of(data[run.visited]);
    if (parts.exponent == kSpecialExponent) [[unlikely]] {
      run.seen |= flags_of_special(parts);
      continue;
    }
    any_negative_zero |= is_negative_zero(parts);
    any_other |= !is_negative_zero(parts);
    add(parts);
  }
  if (any_negative_zero) run.seen |= kSeenNegativeZero;
  if (any_other) run.seen |= kSeenOther;
  return run;
}

}  // namespace tally::reduce

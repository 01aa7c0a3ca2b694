// plain_number: numbers as most files write them, read straight from a longer text.
//
// A plain number is short and simple enough that nothing can go wrong with it: what
// parse_number() would answer Ok for, with the same bits. For all others the answer is
// nullptr, which says nothing: parse_number() is then asked about the whole word.
//
// A double of at most 15 digits is a quotient of two that doubles hold exactly, which
// one division rounds correctly (Clinger 1990). Assumes the rounding mode of
// FloatEnvironment, as parse_number() does.
#pragma once

#include <charconv>
#include <cstdint>
#include <system_error>
#include <type_traits>

namespace tally::source {
namespace detail {

inline constexpr double kPowersOfTen[] = {1e0, 1e1, 1e2,  1e3,  1e4,  1e5,  1e6,  1e7,
                                          1e8, 1e9, 1e10, 1e11, 1e12, 1e13, 1e14, 1e15};
inline constexpr std::uint32_t kPlainDigits = 15;

inline bool is_plain_digit(char byte) {
  return static_cast<unsigned char>(byte - '0') < 10;
}

inline const char* plain_double(const char* at, const char* end, double& value) {
  const bool negative = at != end && *at == '-';
  if (negative) ++at;
  const char* const first = at;
  std::uint64_t digits = 0;
  for (; at != end && is_plain_digit(*at); ++at)
    digits = digits * 10 + static_cast<std::uint64_t>(*at - '0');
  auto count = at - first;
  if (count == 0) return nullptr;
  std::ptrdiff_t fraction = 0;
  if (at != end && *at == '.') {
    const char* const point = ++at;
    for (; at != end && is_plain_digit(*at); ++at)
      digits = digits * 10 + static_cast<std::uint64_t>(*at - '0');
    fraction = at - point;
    if (fraction == 0) return nullptr;
    count += fraction;
  }
  // Only now, as the loops are shorter without: `digits` may have wrapped until here.
  if (count > std::ptrdiff_t{kPlainDigits}) return nullptr;
  const auto held = static_cast<double>(static_cast<std::int64_t>(digits));
  const double magnitude = fraction == 0 ? held : held / kPowersOfTen[fraction];
  value = negative ? -magnitude : magnitude;
  return at;
}

}  // namespace detail

// Reads the plain number that [at, end) starts with; returns where it ends, and the
// caller looks at what follows. nullptr: none, `value` is unspecified.
template <typename T>
const char* plain_number(const char* at, const char* end, T& value) {
  if constexpr (std::is_same_v<T, double>) {
    return detail::plain_double(at, end, value);
  } else if constexpr (std::is_integral_v<T>) {
    const auto [stop, error] = std::from_chars(at, end, value);
    return error == std::errc() ? stop : nullptr;
  } else {
    return nullptr;  // through a double a float would be rounded twice
  }
}

}  // namespace tally::source

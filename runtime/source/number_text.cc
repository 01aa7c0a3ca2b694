#include "runtime/source/number_text.h"

#include <fast_float/fast_float.h>

#include <charconv>
#include <cmath>
#include <limits>
#include <system_error>
#include <type_traits>

namespace tally::source {
namespace {

bool is_blank(char byte) {
  return byte == ' ' || byte == '\t';
}
bool is_digit(char byte) {
  return byte >= '0' && byte <= '9';
}

std::string_view trimmed(std::string_view text) {
  while (!text.empty() && is_blank(text.front())) text.remove_prefix(1);
  while (!text.empty() && is_blank(text.back())) text.remove_suffix(1);
  return text;
}

std::string_view without_sign(std::string_view text) {
  if (text.front() == '-' || text.front() == '+') text.remove_prefix(1);
  return text;
}

std::string_view without_leading_zeros(std::string_view digits) {
  const auto first = digits.find_first_not_of('0');
  return first == std::string_view::npos ? std::string_view() : digits.substr(first);
}

bool all_digits(std::string_view text) {
  for (const char byte : text)
    if (!is_digit(byte)) return false;
  return !text.empty();
}

// Whether the integer literal `digits` is |value| exactly. With a precision of 0,
// to_chars writes every digit of a large float, as printf's %.0f does.
bool is_exactly(std::string_view digits, double value) {
  char written[std::numeric_limits<double>::max_exponent10 + 8];
  const auto [end, error] = std::to_chars(
      written, written + sizeof written, std::fabs(value), std::chars_format::fixed, 0);
  const std::string_view exact(written, static_cast<std::size_t>(end - written));
  return error == std::errc() && exact == without_leading_zeros(digits);
}

// `text` is trimmed, not empty, and has had its '+' taken off.
template <typename T>
NumberStatus parse_float(std::string_view text, T& value) {
  // fast_float takes "nan(anything)".
  if (text.back() == ')') return NumberStatus::NotANumber;
  const char* const end = text.data() + text.size();
  T parsed{};
  const auto [stop, error] = fast_float::from_chars(text.data(), end, parsed);
  // Newer versions report what older ones silently turn into infinity or 0.
  if (error != std::errc() && error != std::errc::result_out_of_range)
    return NumberStatus::NotANumber;
  if (stop != end) return NumberStatus::NotANumber;
  const std::string_view magnitude = without_sign(text);
  if (std::isinf(parsed)) {
    const char first = magnitude.front();
    if (first != 'i' && first != 'I') return NumberStatus::Overflow;
  }
  // Up to this bound every integer is held, and none is rounded across it.
  constexpr T kExact =
      static_cast<T>(std::uint64_t{1} << std::numeric_limits<T>::digits);
  if (std::fabs(parsed) >= kExact && all_digits(magnitude) &&
      !is_exactly(magnitude, static_cast<double>(parsed)))
    return NumberStatus::Inexact;
  value = parsed;
  return NumberStatus::Ok;
}

template <typename T>
NumberStatus parse_integer(std::string_view text, T& value) {
  if (std::is_unsigned_v<T> && text.front() == '-') {
    text.remove_prefix(1);
    if (!all_digits(text)) return NumberStatus::NotANumber;
    if (!without_leading_zeros(text).empty()) return NumberStatus::Overflow;
  }
  const char* const end = text.data() + text.size();
  T parsed{};
  const auto [stop, error] = std::from_chars(text.data(), end, parsed);
  if (stop != end || error == std::errc::invalid_argument)
    return NumberStatus::NotANumber;
  if (error == std::errc::result_out_of_range) return NumberStatus::Overflow;
  value = parsed;
  return NumberStatus::Ok;
}

}  // namespace

template <typename T>
NumberStatus parse_number(std::string_view cell, T& value) noexcept {
  std::string_view text = trimmed(cell);
  if (text.empty() || text == "NA") return NumberStatus::Missing;
  if (text.front() == '+') {
    text.remove_prefix(1);
    if (text.empty() || text.front() == '-') return NumberStatus::NotANumber;
  }
  if constexpr (std::is_floating_point_v<T>) {
    return parse_float(text, value);
  } else {
    return parse_integer(text, value);
  }
}

template NumberStatus parse_number(std::string_view, std::int8_t&) noexcept;
template NumberStatus parse_number(std::string_view, std::int16_t&) noexcept;
template NumberStatus parse_number(std::string_view, std::int32_t&) noexcept;
template NumberStatus parse_number(std::string_view, std::int64_t&) noexcept;
template NumberStatus parse_number(std::string_view, std::uint8_t&) noexcept;
template NumberStatus parse_number(std::string_view, std::uint16_t&) noexcept;
template NumberStatus parse_number(std::string_view, std::uint32_t&) noexcept;
template NumberStatus parse_number(std::string_view, std::uint64_t&) noexcept;
template NumberStatus parse_number(std::string_view, float&) noexcept;
template NumberStatus parse_number(std::string_view, double&) noexcept;

}  // namespace tally::source

#include "client/cli/value_text.h"

#include <algorithm>
#include <array>
#include <bit>
#include <charconv>
#include <cmath>
#include <type_traits>
#include <variant>

#include "client/cli/terminal.h"
#include "client/cli/units.h"

namespace tally::cli {
namespace {

template <typename Real>
std::string text_of_real(Real value) {
  if (std::isnan(value)) return "NaN";
  if (std::isinf(value)) return value < 0 ? "-Infinity" : "Infinity";
  // As Python and JavaScript do: positional where that is easy to read. to_chars
  // alone would make 100000 "1e+05".
  const Real magnitude = std::fabs(value);
  const bool positional =
      magnitude == 0 || (magnitude >= Real(1e-4) && magnitude < Real(1e16));
  std::array<char, 64> digits{};
  const auto end = std::to_chars(
      digits.data(), digits.data() + digits.size(), value,
      positional ? std::chars_format::fixed : std::chars_format::scientific);
  std::string text(digits.data(), end.ptr);
  if (positional && text.find('.') == std::string::npos) text += ".0";
  return text;
}

struct ValueText {
  bool name_files;

  std::string operator()(std::monostate) const { return "no value"; }
  std::string operator()(Int128 value) const { return to_string(value); }
  std::string operator()(double value) const { return text_of_real(value); }
  std::string operator()(float value) const { return text_of_real(value); }
  std::string operator()(const model::ElementIndex& at) const {
    std::string text = std::to_string(at.index);
    if (name_files && at.file) text += " (" + printable(*at.file) + ")";
    return text;
  }
  std::string operator()(const std::string& text) const { return printable(text); }
  std::string operator()(const model::Histogram& histogram) const {
    std::string text = text_of_number(histogram.counts.size(), "bin");
    text += ", " + text_of_count(histogram.underflow) + " below";
    text += ", " + text_of_count(histogram.overflow) + " above";
    if (histogram.nan != 0) text += ", " + text_of_count(histogram.nan) + " NaN";
    return text;
  }
};

struct SameBits {
  template <typename T, typename U>
  bool operator()(const T& a, const U& b) const {
    if constexpr (!std::is_same_v<T, U>) {
      return false;
    } else if constexpr (std::is_same_v<T, double>) {
      return std::bit_cast<std::uint64_t>(a) == std::bit_cast<std::uint64_t>(b);
    } else if constexpr (std::is_same_v<T, float>) {
      return std::bit_cast<std::uint32_t>(a) == std::bit_cast<std::uint32_t>(b);
    } else {
      return a == b;
    }
  }
};

}  // namespace

std::string text_of_float(double value) {
  return text_of_real(value);
}

std::string text_of_float(float value) {
  return text_of_real(value);
}

std::string text_of_result(const model::ReducerResult& result, bool name_files) {
  if (result.error) return "error: " + printable(result.error->message());
  return std::visit(ValueText{name_files}, result.value);
}

bool same_bits(const model::ReducerResult& a, const model::ReducerResult& b) {
  if (a.error.has_value() != b.error.has_value()) return false;
  if (a.error && a.error->code() != b.error->code()) return false;
  return a.label == b.label && std::visit(SameBits{}, a.value, b.value);
}

bool same_bits(const model::JobAnswer& a, const model::JobAnswer& b) {
  return std::ranges::equal(
      a.results, b.results,
      [](const auto& left, const auto& right) { return same_bits(left, right); });
}

}  // namespace tally::cli

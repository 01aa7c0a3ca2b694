#include "runtime/reduce/quantile.h"

#include <algorithm>
#include <array>
#include <bit>
#include <charconv>
#include <cmath>
#include <concepts>
#include <limits>
#include <optional>
#include <string_view>
#include <utility>

#include "ipc/base/int128.h"
#include "ipc/base/nearest.h"
#include "runtime/reduce/order_key.h"
#include "runtime/reduce/superaccumulator.h"

namespace tally::reduce {
namespace {

constexpr int kDecimals = 19;

constexpr std::array<std::string_view, 5> kInterpolations{"linear", "lower", "higher",
                                                          "nearest", "midpoint"};

bool is_digit(char c) {
  return c >= '0' && c <= '9';
}

Error bad_argument(const std::string& message) {
  return Error(Errc::InvalidArgument, "bad_argument", message)
      .with("reducer", std::string("quantile"));
}

// digits[.digits][e[sign]digits], as an integer of 10^-19. nullopt: not such a number.
struct Decimal {
  std::uint64_t scaled = 0;
  bool above_one = false;
  bool too_fine = false;
};

std::optional<Decimal> parse_decimal(std::string_view text) {
  std::string digits;
  int point = 0;  // decimals among the digits
  std::size_t at = 0;
  while (at < text.size() && is_digit(text[at])) digits += text[at++];
  if (at < text.size() && text[at] == '.') {
    for (++at; at < text.size() && is_digit(text[at]); ++point) digits += text[at++];
  }
  if (digits.empty()) return std::nullopt;
  int exponent = 0;
  if (at < text.size() && (text[at] == 'e' || text[at] == 'E')) {
    ++at;
    if (at < text.size() && text[at] == '+') ++at;
    const char* const end = text.data() + text.size();
    const auto [stop, error] = std::from_chars(text.data() + at, end, exponent);
    if (error != std::errc{} || stop != end) return std::nullopt;
    at = text.size();
  }
  if (at != text.size()) return std::nullopt;
  while (!digits.empty() && digits.back() == '0') {
    digits.pop_back();
    --point;
  }
  digits.erase(0, digits.find_first_not_of('0'));
  if (digits.empty()) return Decimal{};
  const std::int64_t decimals = std::int64_t{point} - exponent;
  const std::int64_t before_point = static_cast<std::int64_t>(digits.size()) - decimals;
  if (before_point > 1 || (before_point == 1 && digits != "1"))
    return Decimal{0, true, false};
  if (decimals > kDecimals) return Decimal{0, false, true};
  Decimal result;  // at most 10^19: it fits
  for (const char digit : digits)
    result.scaled = result.scaled * 10 + static_cast<std::uint64_t>(digit - '0');
  for (std::int64_t i = decimals; i < kDecimals; ++i) result.scaled *= 10;
  return result;
}

Result<std::uint64_t> parse_scaled(const std::string& text) {
  const bool negative = text.starts_with('-');
  const auto parsed = parse_decimal(std::string_view(text).substr(negative ? 1 : 0));
  if (!parsed) {
    std::string message = "'" + text + "' is no quantile; give numbers from 0 to 1";
    message += ", then perhaps linear, lower, higher, nearest or midpoint";
    const auto near = nearest(text, kInterpolations);
    if (near) message += "; did you mean '" + std::string(*near) + "'?";
    return bad_argument(message);
  }
  if (parsed->above_one || (negative && (parsed->scaled != 0 || parsed->too_fine)))
    return bad_argument("quantile " + text + " is outside 0..1");
  if (parsed->too_fine) {
    return bad_argument("quantile " + text + " has more than " +
                        std::to_string(kDecimals) + " decimals; round it");
  }
  return parsed->scaled;
}

std::optional<Interpolation> interpolation_of(std::string_view name) {
  for (std::size_t i = 0; i < kInterpolations.size(); ++i)
    if (name == kInterpolations[i]) return static_cast<Interpolation>(i);
  return std::nullopt;
}

// Adds value * weight; the whole value is in units of 2^-1075. No double is touched by
// arithmetic, so rounding modes and FTZ do not matter.
void add_weighted(Superaccumulator& sum, double value, std::uint64_t weight) {
  const auto bits = std::bit_cast<std::uint64_t>(value);
  const auto exponent = static_cast<unsigned>((bits >> 52) & 0x7FF);
  const std::uint64_t fraction = bits & ((std::uint64_t{1} << 52) - 1);
  const std::uint64_t mantissa =
      exponent == 0 ? fraction : fraction | (std::uint64_t{1} << 52);
  const auto product = static_cast<Int128>(UInt128{mantissa} * weight);  // 117 bits
  sum.add((bits >> 63) != 0 ? -product : product, exponent == 0 ? 1 : exponent);
}

// In halves: a product of 64 by 64 bits has no room for a sign.
template <std::integral T>
void add_weighted(Superaccumulator& sum, T value, std::uint64_t weight) {
  const Int128 wide = value;
  const auto low = static_cast<std::uint32_t>(value);
  sum.add(((wide - low) >> 32) * weight, Superaccumulator::kOneBit + 32);
  sum.add(Int128{low} * weight, Superaccumulator::kOneBit);
}

// a(1-f) + bf where one of them is infinite, or both are zeros.
std::optional<double> special_between(double a, double b) {
  if (a == b) return std::signbit(a) == std::signbit(b) ? a : 0.0;
  if (std::isinf(a) && std::isinf(b)) return std::numeric_limits<double>::quiet_NaN();
  if (std::isinf(a)) return a;
  if (std::isinf(b)) return b;
  return std::nullopt;
}

template <typename T>
double between(T a, T b, std::uint64_t weight) {
  if constexpr (std::floating_point<T>) {
    if (weight == 0) return a;  // to the sign of a zero
    if (const auto special = special_between(a, b)) return *special;
  }
  Superaccumulator sum;
  add_weighted(sum, a, kQuantileScale - weight);
  add_weighted(sum, b, weight);
  return sum.rounded_quotient(kQuantileScale);
}

// Each quantile's result is called by the text of its q.
Result<void> check_labels(const model::ReducerSpec& spec, std::size_t count) {
  std::vector<std::string_view> texts(
      spec.args.begin(), spec.args.begin() + static_cast<std::ptrdiff_t>(count));
  std::sort(texts.begin(), texts.end());
  const auto twice = std::adjacent_find(texts.begin(), texts.end());
  if (twice == texts.end()) return {};
  const auto first = std::find(spec.args.begin(), spec.args.end(), *twice);
  const std::string label =
      one_of_quantiles(spec, static_cast<std::size_t>(first - spec.args.begin()), count)
          .label;
  return Error(Errc::InvalidArgument, "repeated_label",
               "two results would be called \"" + label + "\": ask for the quantile " +
                   *first + " once")
      .with("label", label);
}

}  // namespace

Result<std::vector<Quantile>> parse_quantiles(std::span<const std::string> args) {
  Interpolation interpolation = Interpolation::Linear;
  if (!args.empty()) {
    if (const auto named = interpolation_of(args.back())) {
      interpolation = *named;
      args = args.first(args.size() - 1);
    }
  }
  if (args.empty())
    return bad_argument("quantile needs numbers from 0 to 1, as in quantile(0.5,0.99)");
  std::vector<Quantile> quantiles;
  for (const std::string& arg : args) {
    const Result<std::uint64_t> scaled = parse_scaled(arg);
    if (!scaled) return scaled.error();
    quantiles.push_back({*scaled, interpolation});
  }
  return quantiles;
}

Result<std::vector<Quantile>> quantiles_of(const model::ReducerSpec& spec) {
  if (spec.name == "quantile") {
    auto quantiles = parse_quantiles(spec.args);
    if (!quantiles) return quantiles;
    if (Result<void> ok = check_labels(spec, quantiles->size()); !ok) return ok.error();
    return quantiles;
  }
  if (!spec.args.empty()) {
    return Error(Errc::InvalidArgument, "bad_argument",
                 "median takes no argument, and was given '" + spec.args.front() +
                     "'; a column is written median:" + spec.args.front() +
                     ", other quantiles quantile(0.99)")
        .with("reducer", spec.name);
  }
  return std::vector<Quantile>{{kQuantileScale / 2, Interpolation::Linear}};
}

model::ReducerSpec one_of_quantiles(const model::ReducerSpec& spec, std::size_t i,
                                    std::size_t count) {
  if (count == 1) return spec;
  const auto listed = [](const std::vector<std::string>& args) {
    std::string text;
    for (const std::string& arg : args) text += (text.empty() ? "(" : ",") + arg;
    return text + ")";
  };
  model::ReducerSpec one = spec;
  one.args = {spec.args[i]};
  one.args.insert(one.args.end(),
                  spec.args.begin() + static_cast<std::ptrdiff_t>(count),
                  spec.args.end());
  const std::string all = listed(spec.args);
  // Called as it was written, it is so again.
  if (const std::size_t at = spec.label.find(all); at != std::string::npos)
    one.label.replace(at, all.size(), listed(one.args));
  else
    one.label += "(" + spec.args[i] + ")";
  return one;
}

RankPair ranks_of(const Quantile& quantile, std::uint64_t elements) {
  const UInt128 h = UInt128{quantile.scaled} * (elements - 1);
  const auto lower = static_cast<std::uint64_t>(h / kQuantileScale);
  const auto fraction = static_cast<std::uint64_t>(h % kQuantileScale);
  if (fraction == 0) return {lower, lower, 0};
  switch (quantile.interpolation) {
    case Interpolation::Linear: return {lower, lower + 1, fraction};
    case Interpolation::Midpoint: return {lower, lower + 1, kQuantileScale / 2};
    case Interpolation::Lower: return {lower, lower, 0};
    case Interpolation::Higher: return {lower + 1, lower + 1, 0};
    case Interpolation::Nearest: break;
  }
  const std::uint64_t half = kQuantileScale / 2;  // ties to even ranks, as numpy's
  const bool up = fraction > half || (fraction == half && lower % 2 == 1);
  return {lower + (up ? 1 : 0), lower + (up ? 1 : 0), 0};
}

FinishedValue value_between(std::int64_t lower, std::int64_t upper,
                            std::uint64_t weight, Interpolation interpolation,
                            model::ElementType type) {
  return model::with_type(type, [&](auto zero) -> FinishedValue {
    using T = decltype(zero);
    const T a = value_of_key<T>(lower), b = value_of_key<T>(upper);
    if (interpolation == Interpolation::Linear ||
        interpolation == Interpolation::Midpoint)
      return between(a, b, weight);
    if constexpr (std::floating_point<T>)
      return a;
    else
      return Int128{a};
  });
}

}  // namespace tally::reduce

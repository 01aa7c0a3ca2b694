#include "runtime/reduce/histogram_bins.h"

#include <array>
#include <bit>
#include <charconv>
#include <cmath>
#include <limits>
#include <optional>
#include <string_view>

#include "ipc/base/float_environment.h"
#include "runtime/reduce/superaccumulator.h"

namespace tally::reduce {
namespace {

constexpr std::string_view kUsage =
    "write histogram(BINS,LO,HI), such as histogram(100,0,1), or "
    "histogram(edges=0,1,5,20)";

Error bad_bins(const std::string& what) {
  return Error(Errc::InvalidArgument, "bad_argument",
               "histogram: " + what + "; " + std::string(kUsage))
      .with("reducer", "histogram");
}

std::string_view trimmed(std::string_view text) {
  while (text.starts_with(' ')) text.remove_prefix(1);
  while (text.ends_with(' ')) text.remove_suffix(1);
  return text;
}

// The nearest double; none if it is no number or
// beyond the doubles. "nan" and "inf" are numbers here.
std::optional<double> parse_number(std::string_view text) {
  if (text.starts_with('+')) text.remove_prefix(1);
  double value = 0;
  const char* const end = text.data() + text.size();
  const auto parsed = std::from_chars(text.data(), end, value);
  if (parsed.ec != std::errc() || parsed.ptr != end) return std::nullopt;
  return value;
}

Result<double> parse_edge(std::string_view what, std::string_view text) {
  const std::optional<double> value = parse_number(text);
  if (!value || std::isnan(*value))
    return bad_bins(std::string(what) + " is '" + std::string(text) +
                    "', which is no number");
  return *value + 0.0;  // no -0: as an edge it is the same
}

Result<std::uint32_t> parse_count(std::string_view text) {
  const std::optional<double> value = parse_number(text);
  const double most = static_cast<double>(kMostBins);
  if (!value || !(*value >= 1 && *value <= most) || std::floor(*value) != *value)
    return bad_bins("bins is '" + std::string(text) + "', and is to be 1 to " +
                    std::to_string(kMostBins));
  return static_cast<std::uint32_t>(*value);
}

// The place of an edge's double in the order of doubles does not tell how far apart
// edges are; that they differ does.
Result<void> check_ascending(const std::vector<double>& edges) {
  for (std::size_t i = 1; i < edges.size(); ++i)
    if (!(edges[i - 1] < edges[i]))
      return bad_bins("edge " + std::to_string(i + 1) + " is not above edge " +
                      std::to_string(i));
  return {};
}

Result<model::HistogramBins> parse_edges(std::span<const std::string> args) {
  if (args.size() < 2) return bad_bins("one edge makes no bin");
  if (args.size() > kMostEdges)
    return bad_bins(std::to_string(args.size()) + " edges, and at most " +
                    std::to_string(kMostEdges) + " can be given one by one");
  model::HistogramBins bins;
  for (std::size_t i = 0; i < args.size(); ++i) {
    std::string_view text = args[i];
    if (i == 0) text.remove_prefix(text.find('=') + 1);
    const auto edge = parse_edge("edge " + std::to_string(i + 1), trimmed(text));
    if (!edge) return edge.error();
    bins.edges.push_back(*edge);
  }
  if (Result<void> ok = check_ascending(bins.edges); !ok) return std::move(ok).error();
  bins.count = static_cast<std::uint32_t>(args.size() - 1);
  bins.lo = bins.edges.front();
  bins.hi = bins.edges.back();
  return bins;
}

// A double as significand * 2^exponent. 0 has the least exponent of all.
struct Parts {
  explicit Parts(double value) {
    constexpr int kBits = std::numeric_limits<double>::digits;
    constexpr int kLeast = -1074;  // doubles are multiples of 2^-1074
    const double fraction = std::frexp(value, &exponent);
    const int above = exponent - kBits;
    exponent = value == 0 ? kLeast : std::max(above, kLeast);
    significand =
        static_cast<std::int64_t>(std::ldexp(fraction, kBits + above - exponent));
  }
  std::int64_t significand = 0;
  int exponent = 0;
};

// sum / divisor * 2^exponent, correctly rounded; none if it is subnormal. Precondition:
// |sum| < 2^121, divisor <= kMostBins.
std::optional<double> rounded_quotient(Int128 sum, std::uint64_t divisor,
                                       int exponent) {
  if (sum == 0) return 0.0;
  const bool negative = sum < 0;
  UInt128 size =
      negative ? UInt128{0} - static_cast<UInt128>(sum) : static_cast<UInt128>(sum);
  // With all 128 bits the quotient has 111 or more, twice those of a double.
  const auto upper = static_cast<std::uint64_t>(size >> 64);
  const int shift = upper != 0
                        ? std::countl_zero(upper)
                        : 64 + std::countl_zero(static_cast<std::uint64_t>(size) | 1U);
  size <<= shift;
  // A bit below all that count tells what remains from a tie.
  const UInt128 quotient = size / divisor;
  const bool rest = quotient * divisor != size;
  const auto rounded = static_cast<double>(quotient | (rest ? 1U : 0U));
  const double result = std::ldexp(rounded, exponent - shift);
  if (result < std::numeric_limits<double>::min() * 2) return std::nullopt;
  return negative ? -result : result;
}

// value * times, exactly.
void add_times(Superaccumulator& sum, const Parts& value, std::uint64_t times) {
  constexpr int kOneBit = static_cast<int>(Superaccumulator::kOneBit);
  sum.add(Int128{value.significand} * static_cast<Int128>(times),
          static_cast<unsigned>(value.exponent + kOneBit));
}

// Edge i is (lo * (n - i) + hi * i) / n. Where both ends fit 104 bits in one scale, as
// nearly all do, the dividend is an integer of 128 bits; else, and for subnormal edges,
// it is a long one.
[[gnu::noinline]] std::vector<double> even_edges(const model::HistogramBins& bins) {
  constexpr int kMostShift = 51;
  const std::uint64_t n = bins.count;
  Parts lo(bins.lo), hi(bins.hi);
  const Parts long_lo = lo, long_hi = hi;
  if (lo.significand == 0) lo.exponent = hi.exponent;
  if (hi.significand == 0) hi.exponent = lo.exponent;
  const int scale = std::min(lo.exponent, hi.exponent);
  const bool fits = std::max(lo.exponent, hi.exponent) - scale <= kMostShift;
  Int128 low = 0, high = 0;
  if (fits) {
    low = Int128{lo.significand} * (Int128{1} << (lo.exponent - scale));
    high = Int128{hi.significand} * (Int128{1} << (hi.exponent - scale));
  }
  std::vector<double> edges;
  edges.reserve(n + 1);
  for (std::uint64_t i = 0; i <= n; ++i) {
    const auto up = static_cast<Int128>(i), down = static_cast<Int128>(n - i);
    std::optional<double> edge;
    if (fits) edge = rounded_quotient(low * down + high * up, n, scale);
    if (!edge) {
      Superaccumulator sum;
      add_times(sum, long_lo, n - i);
      add_times(sum, long_hi, i);
      edge = sum.rounded_quotient(n);
    }
    edges.push_back(*edge);
  }
  return edges;
}

// Bins so narrow that two edges round to the same double: one of them would be empty
// whatever the elements.
Result<void> check_width(const model::HistogramBins& bins) {
  const double most = std::max(std::fabs(bins.lo), std::fabs(bins.hi));
  const double width = bins.hi / bins.count - bins.lo / bins.count;
  // Four units in the last place apart, edges differ whatever became of the quotients.
  if (width > 4 * (most * 0x1p-52) && width > 0x1p-1000) return {};
  if (check_ascending(even_edges(bins))) return {};
  return bad_bins(std::to_string(bins.count) +
                  " bins between lo and hi are narrower than the doubles there; use "
                  "fewer");
}

// Not inlined: nothing of it may happen before the environment is set.
[[gnu::noinline]] Result<model::HistogramBins> parse(
    std::span<const std::string> args) {
  if (!args.empty() && trimmed(args.front()).starts_with("edges="))
    return parse_edges(args);
  constexpr std::array<std::string_view, 3> kNames{"bins", "lo", "hi"};
  std::array<std::optional<std::string_view>, 3> given;
  for (std::size_t i = 0; i < args.size(); ++i) {
    std::string_view text = trimmed(args[i]);
    std::size_t which = i;
    if (const std::size_t equals = text.find('='); equals != std::string_view::npos) {
      const std::string_view name = trimmed(text.substr(0, equals));
      for (which = 0; which < kNames.size() && kNames[which] != name;) ++which;
      text = trimmed(text.substr(equals + 1));
    }
    if (which >= kNames.size() || given[which])
      return bad_bins("'" + args[i] + "' is not expected");
    given[which] = text;
  }
  for (std::size_t i = 0; i < kNames.size(); ++i)
    if (!given[i]) return bad_bins(std::string(kNames[i]) + " is missing");
  const auto count = parse_count(*given[0]);
  if (!count) return count.error();
  const auto lo = parse_edge("lo", *given[1]);
  if (!lo) return lo.error();
  const auto hi = parse_edge("hi", *given[2]);
  if (!hi) return hi.error();
  if (std::isinf(*lo) || std::isinf(*hi))
    return bad_bins("between " + std::string(*given[1]) + " and " +
                    std::string(*given[2]) + " bins have no even width");
  if (!(*lo < *hi))
    return bad_bins("lo is " + std::string(*given[1]) + ", and is to be below hi, " +
                    std::string(*given[2]));
  model::HistogramBins bins{*count, *lo, *hi, {}};
  if (Result<void> ok = check_width(bins); !ok) return std::move(ok).error();
  return bins;
}

}  // namespace

Result<model::HistogramBins> parse_histogram_bins(std::span<const std::string> args) {
  const FloatEnvironment exact;
  return parse(args);
}

std::vector<double> edges_of(const model::HistogramBins& bins) {
  if (!bins.edges.empty()) return bins.edges;
  const FloatEnvironment exact;
  return even_edges(bins);
}

}  // namespace tally::reduce

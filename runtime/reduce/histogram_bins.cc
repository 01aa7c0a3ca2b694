#include "runtime/reduce/histogram_bins.h"

#include <array>
#include <charconv>
#include <cmath>
#include <limits>
#include <optional>
#include <string_view>

#include "runtime/reduce/float_environment.h"
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

// value * times, exactly. Precondition: value is finite.
void add_times(Superaccumulator& sum, double value, std::uint64_t times) {
  constexpr int kSignificandBits = std::numeric_limits<double>::digits;
  constexpr int kLeastExponent = 1074;  // doubles are multiples of 2^-1074
  int exponent = 0;
  const double fraction = std::frexp(value, &exponent);
  int bit = exponent - kSignificandBits;
  int digits = kSignificandBits;
  if (bit < -kLeastExponent) {
    digits -= -kLeastExponent - bit;
    bit = -kLeastExponent;
  }
  const auto significand = static_cast<std::int64_t>(std::ldexp(fraction, digits));
  sum.add(Int128{significand} * static_cast<Int128>(times),
          static_cast<unsigned>(bit + static_cast<int>(Superaccumulator::kOneBit)));
}

[[gnu::noinline]] std::vector<double> even_edges(const model::HistogramBins& bins) {
  std::vector<double> edges;
  edges.reserve(std::size_t{bins.count} + 1);
  for (std::uint64_t i = 0; i <= bins.count; ++i) {
    Superaccumulator sum;
    add_times(sum, bins.lo, bins.count - i);
    add_times(sum, bins.hi, i);
    edges.push_back(sum.rounded_quotient(bins.count));
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

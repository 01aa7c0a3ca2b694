#include "runtime/reduce/histogram_state.h"

#include <gtest/gtest.h>

#include <cmath>
#include <random>
#include <set>

#include "runtime/reduce/histogram_bins.h"
#include "tests/unit/runtime/reduce/exact_oracle.h"
#include "tests/unit/runtime/reduce/inputs.h"

namespace tally::reduce::testing {
namespace {

using model::Histogram;
using model::HistogramBins;

HistogramBins bins_of(std::vector<std::string> args) {
  const auto bins = parse_histogram_bins(args);
  EXPECT_TRUE(bins) << (bins ? "" : bins.error().message());
  return bins ? *bins : HistogramBins{1, 0, 1, {}};
}

HistogramBins even(std::uint32_t count, double lo, double hi) {
  return {count, lo, hi, {}};
}

template <typename T>
Histogram histogram_of(const HistogramBins& bins, const std::vector<T>& values) {
  HistogramState state(bins, type_of<T>());
  feed(state, std::span<const T>(values), 0, values.size());
  EXPECT_EQ(state.elements(), values.size());
  return state.histogram();
}

// -1, 0, 1: how an element and an edge compare as real numbers.
template <typename T>
int compare(T element, double edge) {
  if constexpr (std::is_floating_point_v<T>) {
    return double{element} < edge ? -1 : double{element} > edge;
  } else {
    if (std::fabs(edge) > 0x1p65) return edge > 0 ? -1 : 1;
    const auto whole = static_cast<Int128>(std::floor(edge));
    if (Int128{element} != whole) return Int128{element} < whole ? -1 : 1;
    return std::floor(edge) == edge ? 0 : -1;
  }
}

// By the definition, one comparison after the other.
template <typename T>
Histogram by_definition(const HistogramBins& bins, const std::vector<T>& values) {
  Histogram result;
  result.edges = edges_of(bins);
  result.counts.resize(bins.count);
  for (const T value : values) {
    std::size_t reached = 0;  // edges
    while (reached < result.edges.size() && compare(value, result.edges[reached]) >= 0)
      ++reached;
    if (value != value) {
      ++result.nan;
    } else if (reached == 0) {
      ++result.underflow;
    } else if (reached <= bins.count) {
      ++result.counts[reached - 1];
    } else if (compare(value, result.edges.back()) == 0) {
      ++result.counts.back();
    } else {
      ++result.overflow;
    }
  }
  return result;
}

// Where bins are decided: each edge, its neighbours, and places in between and around.
template <typename T>
std::vector<T> around(const std::vector<double>& edges) {
  using Limits = std::numeric_limits<T>;
  std::vector<T> values{Limits::lowest(), Limits::max(), T{0}};
  if constexpr (std::is_floating_point_v<T>)
    values.insert(values.end(),
                  {-T{0}, Limits::infinity(), -Limits::infinity(), Limits::quiet_NaN(),
                   -Limits::quiet_NaN(), Limits::denorm_min(), -Limits::denorm_min()});
  const auto add = [&](double place) {
    if constexpr (std::is_floating_point_v<T>) {
      const auto near = static_cast<T>(place);
      for (const T value : {std::nextafter(near, Limits::lowest()), near,
                            std::nextafter(near, Limits::max())})
        values.push_back(value);
    } else {
      for (const double step : {-1.0, 0.0, 1.0}) {
        const double whole = std::floor(place) + step;
        if (whole >= double(Limits::lowest()) && whole < double(Limits::max()))
          values.push_back(static_cast<T>(whole));
      }
    }
  };
  for (std::size_t i = 0; i + 1 < edges.size(); ++i) {
    add(edges[i]);
    add(edges[i] / 2 + edges[i + 1] / 2);
  }
  add(edges.back());
  return values;
}

HistogramBins between(const std::vector<double>& edges) {
  return {static_cast<std::uint32_t>(edges.size() - 1), edges.front(), edges.back(),
          edges};
}

// Edges at irregular places; by factors, of either sign; next to each other, with few
// far from there; the least numbers that there are, on both sides of zero, below one.
std::vector<HistogramBins> crowded_bins() {
  std::mt19937_64 random(5);
  std::set<double> irregular;
  while (irregular.size() < 300)
    irregular.insert(std::uniform_real_distribution<double>(-100, 200)(random));
  std::set<double> factors{0.0};
  for (int exponent = -1000; exponent <= 1000; exponent += 20) {
    factors.insert(std::ldexp(1.25, exponent));
    factors.insert(-std::ldexp(1.5, exponent));
  }
  std::vector<double> neighbours{-1e300, -7, 0};
  for (double edge = 1; neighbours.size() < 100; edge = std::nextafter(edge, 2))
    neighbours.push_back(edge);
  neighbours.insert(neighbours.end(), {3, 1e18, 1e300});
  std::vector<double> least;
  for (int i = -20; i <= 20; ++i)
    least.push_back(i * std::numeric_limits<double>::denorm_min());
  least.push_back(1);
  return {between({irregular.begin(), irregular.end()}),
          between({factors.begin(), factors.end()}), between(neighbours),
          between(least)};
}

std::vector<HistogramBins> sundry_bins() {
  return {
      even(1, 0, 1),
      even(10, 0, 1),
      even(7, -1, 1),
      even(1000, -3.5, 3.5),
      even(1000, 0, 1000),
      even(300, -0.1, 255.7),
      even(13, -1e300, 1e300),
      even(5, -std::numeric_limits<double>::max(), std::numeric_limits<double>::max()),
      even(8, 0, 8 * std::numeric_limits<double>::denorm_min()),
      even(3, -1e-310, 1e-310),
      even(10, 1e16, 1e16 + 20),
      even(10, 0x1p53, 0x1p53 + 50),
      even(9, 1.0, 1.0 + 9 * 0x1p-52),
      even(4, -0x1p63, 0x1p63),
      even(6, 0, 0x1p64),
      even(16, 300, 70'000),
      bins_of({"edges=-1", "0", "0.25", "0.5", "1", "100"}),
      bins_of({"edges=-inf", "-1e10", "1e-320", "1", "inf"}),
      bins_of({"edges=-inf", "inf"}),
      bins_of({"edges=1e17", "1e18", "1e300"})};
}

template <typename T>
class HistogramTest : public ::testing::Test {};
using AllTypes = ::testing::Types<std::int8_t, std::int16_t, std::int32_t, std::int64_t,
                                  std::uint8_t, std::uint16_t, std::uint32_t,
                                  std::uint64_t, float, double>;
TYPED_TEST_SUITE(HistogramTest, AllTypes);

TYPED_TEST(HistogramTest, EveryElementIsInTheBinThatTheDefinitionSays) {
  for (const HistogramBins& bins : sundry_bins()) {
    SCOPED_TRACE(::testing::Message()
                 << bins.count << " bins from " << bins.lo << " to " << bins.hi);
    auto values = around<TypeParam>(edges_of(bins));
    EXPECT_EQ(histogram_of(bins, values), by_definition(bins, values));
    const auto more = hostile<TypeParam>(2000, bins.count);
    EXPECT_EQ(histogram_of(bins, more), by_definition(bins, more));
  }
}

TYPED_TEST(HistogramTest, EveryElementIsInItsBinHoweverEdgesCrowd) {
  for (const HistogramBins& bins : crowded_bins()) {
    auto values = around<TypeParam>(bins.edges);
    const auto more = hostile<TypeParam>(500, bins.count);
    values.insert(values.end(), more.begin(), more.end());
    EXPECT_EQ(histogram_of(bins, values), by_definition(bins, values))
        << bins.count << " bins from " << bins.lo;
  }
}

TYPED_TEST(HistogramTest, LawsOfStates) {
  const HistogramBins bins = even(100, -50, 60);
  const auto values = hostile<TypeParam>(5000, 3);
  const std::span<const TypeParam> all(values);
  const auto over = [&](std::size_t begin, std::size_t end) {
    auto state = std::make_unique<HistogramState>(bins, type_of<TypeParam>());
    feed(*state, all, begin, end);
    return state;
  };
  const auto whole = over(0, all.size());
  const auto expected = bytes_of(*whole);
  const HistogramState empty(bins, type_of<TypeParam>());
  whole->merge(empty);
  EXPECT_EQ(bytes_of(*whole), expected) << "identity";
  for (const std::size_t cut : {0U, 1U, 511U, 513U, 5000U}) {
    const auto left = over(0, cut);
    const auto right = over(cut, all.size());
    const auto before = bytes_of(*left);
    right->merge(*left);
    EXPECT_EQ(bytes_of(*right), expected) << "splitting and order at " << cut;
    EXPECT_EQ(bytes_of(*left), before) << "source";
  }
  HistogramState copy(bins, type_of<TypeParam>());
  ASSERT_TRUE(copy.deserialise(1, expected));
  EXPECT_EQ(bytes_of(copy), expected);
  copy.clear();
  EXPECT_EQ(bytes_of(copy), bytes_of(empty));
}

TEST(HistogramEdgesTest, AreTheTruePlacesCorrectlyRounded) {
  for (const HistogramBins& bins : sundry_bins()) {
    if (!bins.edges.empty()) continue;
    const auto edges = edges_of(bins);
    ASSERT_EQ(edges.size(), bins.count + 1U);
    EXPECT_EQ(edges.front(), bins.lo);
    EXPECT_EQ(edges.back(), bins.hi);
    for (std::uint32_t i = 0; i <= bins.count; ++i) {
      ExactOracle place;
      place.add(bins.lo, bins.count - i);
      place.add(bins.hi, i);
      EXPECT_TRUE(is_correctly_rounded(place, bins.count, edges[i]))
          << i << " of " << bins.count << " from " << bins.lo << " to " << bins.hi;
    }
  }
}

// Ends whose scales differ little, much, and around the 51 bits from where on the long
// sum is needed; subnormal ones; ties.
TEST(HistogramEdgesTest, OfAnyEndsAreCorrectlyRounded) {
  std::mt19937_64 random(17);
  for (int round = 0; round < 300; ++round) {
    const double first = hostile<double>(1, random())[0];
    const int apart = static_cast<int>(random() % 160) - 80;
    double second =
        std::ldexp(first, apart) * std::uniform_real_distribution<double>(1, 2)(random);
    if (round % 3 == 0) second = -second;
    if (round % 7 == 0) second = 0;
    if (!std::isfinite(second) || first == second) continue;
    const HistogramBins bins =
        even(static_cast<std::uint32_t>(1 + random() % (round % 2 == 0 ? 8 : 65536)),
             std::min(first, second), std::max(first, second));
    const auto edges = edges_of(bins);
    for (int probe = 0; probe < 4; ++probe) {
      const std::uint64_t i = random() % (bins.count + std::uint64_t{1});
      ExactOracle place;
      place.add(bins.lo, static_cast<Int128>(bins.count - i));
      place.add(bins.hi, static_cast<Int128>(i));
      EXPECT_TRUE(is_correctly_rounded(place, bins.count, edges[i]))
          << i << " of " << bins.count << " from " << bins.lo << " to " << bins.hi;
    }
  }
}

TEST(HistogramStateTest, BytesAreCountsByPlace) {
  HistogramState state(even(2, 0, 2), ElementType::F64);
  const std::vector<double> values{-1, -2, -0.0, 1, 1.5, 2, 3, 3, 3, NAN};
  feed(state, std::span<const double>(values), 0, values.size());
  std::vector<std::byte> expected(40);
  expected[0] = std::byte{2};
  expected[8] = std::byte{1};
  expected[16] = std::byte{3};
  expected[24] = std::byte{3};
  expected[32] = std::byte{1};
  EXPECT_EQ(bytes_of(state), expected);
  auto longer = expected;
  longer.resize(48);
  EXPECT_FALSE(state.deserialise(1, longer));
  EXPECT_FALSE(state.deserialise(2, expected));
  EXPECT_EQ(bytes_of(state), expected);
}

TEST(HistogramStateTest, ARangeIsVisited) {
  HistogramState state(even(10, 0, 100), ElementType::I64);
  EXPECT_EQ(state.update_range({-10, 1, 1000, 0}), 1000U);
  const Histogram histogram = state.histogram();
  EXPECT_EQ(histogram.underflow, 10U);
  EXPECT_EQ(histogram.overflow, 889U);
  EXPECT_EQ(histogram.counts,
            (std::vector<std::uint64_t>{10, 10, 10, 10, 10, 10, 10, 10, 10, 11}));
}

TEST(HistogramBinsTest, AreReadInOrderOrByName) {
  EXPECT_EQ(bins_of({"10", "-1", "2.5e1"}), even(10, -1, 25));
  EXPECT_EQ(bins_of({"hi=1", " bins = 65536", "lo=-0"}), even(65536, 0, 1));
  EXPECT_EQ(bins_of({"1e3", "0", "1"}), even(1000, 0, 1));
  EXPECT_EQ(bins_of({"edges=1", "2", "4"}), (HistogramBins{2, 1, 4, {1, 2, 4}}));
}

TEST(HistogramBinsTest, WhatIsNoneIsAnErrorThatSaysWhy) {
  const auto why = [](std::vector<std::string> args) {
    const auto bins = parse_histogram_bins(args);
    if (bins) return std::string("accepted");
    EXPECT_EQ(bins.error().errc(), Errc::InvalidArgument);
    EXPECT_EQ(bins.error().code(), "bad_argument");
    const std::string message = bins.error().message();
    return message.substr(11, message.find("; write") - 11);
  };
  const std::string to_be = ", and is to be 1 to 65536";
  EXPECT_EQ(why({}), "bins is missing");
  EXPECT_EQ(why({"10", "0"}), "hi is missing");
  EXPECT_EQ(why({"10", "0", "1", "2"}), "'2' is not expected");
  EXPECT_EQ(why({"10", "lo=0", "1", "lo=2"}), "'lo=2' is not expected");
  EXPECT_EQ(why({"width=1"}), "'width=1' is not expected");
  for (const std::string bins :
       {"0", "-1", "4294967296", "65537", "1.5", "nan", "x", ""})
    EXPECT_EQ(why({bins, "0", "1"}), "bins is '" + bins + "'" + to_be);
  EXPECT_EQ(why({"10", "1", "1"}), "lo is 1, and is to be below hi, 1");
  EXPECT_EQ(why({"10", "2", "1"}), "lo is 2, and is to be below hi, 1");
  EXPECT_EQ(why({"10", "nan", "1"}), "lo is 'nan', which is no number");
  EXPECT_EQ(why({"10", "0", "1e999"}), "hi is '1e999', which is no number");
  EXPECT_EQ(why({"10", "-inf", "1"}), "between -inf and 1 bins have no even width");
  EXPECT_EQ(
      why({"1000", "1", "1.0000000000000002"}),
      "1000 bins between lo and hi are narrower than the doubles there; use fewer");
  EXPECT_EQ(why({"9", "0", "2e-323"}),
            "9 bins between lo and hi are narrower than the doubles there; use fewer");
  EXPECT_EQ(why({"4", "0", "2e-323"}), "accepted");
  EXPECT_EQ(why({"edges=1"}), "one edge makes no bin");
  EXPECT_EQ(why({"edges=1", "3", "nan"}), "edge 3 is 'nan', which is no number");
  EXPECT_EQ(why({"edges=1", "3", "3"}), "edge 3 is not above edge 2");
  EXPECT_EQ(why({"edges=0", "-0.0"}), "edge 2 is not above edge 1");
  std::vector<std::string> many{"edges=0"};
  for (int i = 1; i < 4097; ++i) many.push_back(std::to_string(i));
  EXPECT_EQ(why(many), "4097 edges, and at most 4096 can be given one by one");
}

}  // namespace
}  // namespace tally::reduce::testing

// Order statistics by rounds, against sorting; interpolation, against the oracle.
#include "runtime/reduce/quantile.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <iomanip>
#include <numeric>
#include <random>
#include <sstream>
#include <string>

#include "runtime/reduce/packed_keys.h"
#include "runtime/reduce/ranks_state.h"
#include "tests/unit/runtime/reduce/exact_oracle.h"
#include "tests/unit/runtime/reduce/inputs.h"
#include "tests/unit/runtime/reduce/quantile_rounds.h"

namespace tally::reduce::testing {
namespace {

std::vector<Quantile> quantiles(std::vector<std::string> args) {
  auto parsed = parse_quantiles(args);
  EXPECT_TRUE(parsed);
  return parsed ? *std::move(parsed) : std::vector<Quantile>{{}};
}

// A sample as good as any: every so many-th of them.
template <typename T>
std::vector<std::int64_t> sample_of(const std::vector<T>& values, std::size_t stride) {
  std::vector<std::int64_t> keys;
  if (stride != 0)
    append_keys(type_of<T>(), std::as_bytes(std::span(values)), stride, keys);
  std::sort(keys.begin(), keys.end());
  return keys;
}

// By a sample of every so many-th element; 0: by none. `most`: of elements, if known.
template <typename T>
std::vector<FinishedValue> found(const std::vector<Quantile>& wanted,
                                 const std::vector<T>& values, std::size_t stride = 0,
                                 std::uint64_t most = kNotKnown) {
  const QuantileSearch search =
      searched(wanted, values, sample_of(values, stride), most);
  std::vector<FinishedValue> result;
  for (std::size_t i = 0; i < wanted.size(); ++i) result.push_back(*search.value(i));
  return result;
}

// By the definition, not by keys.
template <typename T>
std::vector<T> sorted(std::vector<T> values) {
  std::sort(values.begin(), values.end(), [](T a, T b) {
    if constexpr (std::is_floating_point_v<T>)
      if (a == b) return std::signbit(a) && !std::signbit(b);
    return a < b;
  });
  return values;
}

template <typename T>
void expect_element(const FinishedValue& value, T wanted) {
  if constexpr (std::is_floating_point_v<T>) {
    EXPECT_EQ(std::get<T>(value), wanted);
    EXPECT_EQ(std::signbit(std::get<T>(value)), std::signbit(wanted));
  } else {
    EXPECT_TRUE(std::get<Int128>(value) == Int128{wanted});
  }
}

template <typename T>
class QuantileTest : public ::testing::Test {};
using AllTypes = ::testing::Types<std::int8_t, std::int16_t, std::int32_t, std::int64_t,
                                  std::uint8_t, std::uint16_t, std::uint32_t,
                                  std::uint64_t, float, double>;
TYPED_TEST_SUITE(QuantileTest, AllTypes);

TYPED_TEST(QuantileTest, ElementsByRankAreThoseOfTheSortedInput) {
  for (const std::size_t size : {1U, 2U, 3U, 8U, 129U, 4099U}) {
    const auto values = hostile<TypeParam>(size, size);
    const auto order = sorted(values);
    for (const std::size_t stride : {0U, 1U, 7U}) {
      const auto lower =
          found(quantiles({"0", "0.25", "0.5", "1", "lower"}), values, stride);
      const auto higher =
          found(quantiles({"0", "0.25", "0.5", "1", "higher"}), values, 0, size);
      const std::size_t last = size - 1;
      const std::size_t at[]{0, last / 4, last / 2, last};
      const std::size_t above[]{0, (last + 3) / 4, (last + 1) / 2, last};
      for (std::size_t i = 0; i < 4; ++i) {
        expect_element(lower[i], order[at[i]]);
        expect_element(higher[i], order[above[i]]);
      }
    }
  }
}

TYPED_TEST(QuantileTest, InterpolatedValuesAreCorrectlyRounded) {
  const struct {
    const char* text;
    std::uint64_t numerator, denominator;
  } kCases[]{{"0.5", 1, 2}, {"0.3", 3, 10}, {"0.99", 99, 100}, {"1e-6", 1, 1'000'000}};
  for (const std::size_t size : {2U, 3U, 8U, 64U, 1024U}) {
    const auto values = hostile<TypeParam>(size, 3 * size);
    const auto order = sorted(values);
    for (const auto& one : kCases) {
      const std::uint64_t h = one.numerator * (size - 1);
      const std::size_t lower = h / one.denominator;
      const std::uint64_t weight = h % one.denominator;
      const auto value = std::get<double>(found(quantiles({one.text}), values)[0]);
      ExactOracle sum;
      const auto add = [&sum](TypeParam element, std::uint64_t times) {
        if constexpr (std::is_floating_point_v<TypeParam>) {
          sum.add(element, static_cast<Int128>(times));
        } else {  // in halves that doubles hold
          const Int128 wide = element;
          const Int128 high = wide / (Int128{1} << 32);
          sum.add(static_cast<double>(high) * 0x1p32, static_cast<Int128>(times));
          sum.add(static_cast<double>(wide - high * (Int128{1} << 32)),
                  static_cast<Int128>(times));
        }
      };
      add(order[lower], one.denominator - weight);
      if (weight != 0) add(order[lower + 1], weight);
      EXPECT_TRUE(
          is_correctly_rounded(sum, static_cast<Int128>(one.denominator), value))
          << one.text << " of " << size << " gave " << value;
    }
  }
}

TEST(QuantileSearchTest, TwoMiddleElementsFarApartAreBothFound) {
  std::vector<double> values(1000, -1e300);
  values.resize(2000, 3e300);
  EXPECT_EQ(std::get<double>(found(quantiles({"0.5"}), values)[0]), 1e300);
  const double tiny = std::numeric_limits<double>::denorm_min();
  EXPECT_EQ(std::get<double>(found(quantiles({"0.5"}), std::vector{0.0, tiny})[0]),
            0.0);
  EXPECT_EQ(std::get<double>(found(quantiles({"0.5"}), std::vector{tiny, 2 * tiny})[0]),
            2 * tiny);  // a tie, to even
  const double most = std::numeric_limits<double>::max();
  EXPECT_EQ(std::get<double>(found(quantiles({"0.5"}), std::vector{most, most})[0]),
            most);
}

TEST(QuantileSearchTest, InfinitiesAndSignsOfZerosAreKept) {
  const double inf = std::numeric_limits<double>::infinity();
  const auto median = [](std::vector<double> values) {
    return std::get<double>(found(quantiles({"0.5"}), values)[0]);
  };
  EXPECT_TRUE(std::isnan(median({-inf, inf})));
  EXPECT_EQ(median({-inf, 1}), -inf);
  EXPECT_EQ(median({1, inf}), inf);
  EXPECT_EQ(median({inf, inf}), inf);
  EXPECT_EQ(median({-inf, 2, inf}), 2);
  EXPECT_TRUE(std::signbit(median({-0.0, -0.0})));
  EXPECT_FALSE(std::signbit(median({0.0, -0.0})));
  EXPECT_TRUE(std::signbit(median({0.0, -0.0, -0.0})));
  EXPECT_EQ(median({-0x1p-1074, 0.0}), 0);  // rounded, from below
  EXPECT_TRUE(std::signbit(median({-0x1p-1074, 0.0})));
}

// One round by no sample.
template <typename T>
Result<void> first_round(QuantileSearch& search, const std::vector<Quantile>& wanted,
                         const std::vector<T>& values) {
  return run_round(search, first_windows_of<T>(wanted, {}, kNotKnown),
                   std::span<const T>(values));
}

TEST(QuantileSearchTest, ManyElementsBySamplesGoodAndBad) {
  std::mt19937_64 random(5);
  std::normal_distribution<double> normal(100, 15);
  std::vector<double> values(200'000);
  for (double& value : values) value = normal(random);
  const auto order = sorted(values);
  const auto wanted = quantiles({"0.001", "0.5", "0.75", "lower"});
  for (const std::size_t stride : {0U, 20U, 50'000U}) {
    const auto elements = found(wanted, values, stride);
    expect_element(elements[0], order[199]);
    expect_element(elements[1], order[99'999]);
    expect_element(elements[2], order[149'999]);
  }
}

// Parts whose ranges have no key in common, and one rank beyond what was kept.
TEST(QuantileSearchTest, WhatTheFirstRoundMissesTheNextFind) {
  std::vector<double> values(100'000);
  std::iota(values.begin(), values.end(), -20'000.0);
  std::mt19937_64 random(6);
  const auto shuffled_sample = [&] {
    auto sample = sample_of(values, 7);
    std::shuffle(sample.begin(), sample.end(), random);
    return sample;
  };
  for (const auto& sample :
       {std::vector<std::int64_t>(), sample_of(values, 7), shuffled_sample()}) {
    const auto wanted = quantiles({"0.1", "0.5", "0.9", "lower"});
    const QuantileSearch search = searched(wanted, values, sample);
    expect_element(*search.value(0), -10'001.0);
    expect_element(*search.value(1), 29'999.0);
    expect_element(*search.value(2), 69'999.0);
  }
}

TEST(QuantileSearchTest, ManyTiesAreFound) {
  std::vector<std::int64_t> values(50'000, 7);
  values.resize(80'000, std::numeric_limits<std::int64_t>::min());
  values.resize(100'000, std::numeric_limits<std::int64_t>::max());
  const auto elements = found(quantiles({"0", "0.5", "1", "lower"}), values, 100);
  expect_element(elements[0], std::numeric_limits<std::int64_t>::min());
  expect_element(elements[1], std::int64_t{7});
  expect_element(elements[2], std::numeric_limits<std::int64_t>::max());
}

// Each of two ranks in elements of its own, so many that all would be kept of few
// quantiles.
TEST(QuantileSearchTest, WhatManyQuantilesKeepIsBoundedForAllTogether) {
  constexpr std::size_t kQuantiles = 128, kTogether = 2000;
  std::vector<std::int64_t> values;
  for (std::int64_t group = 0; group < std::int64_t{2 * kQuantiles}; ++group)
    for (std::size_t i = 0; i < kTogether; ++i)
      values.push_back((group << 40) + static_cast<std::int64_t>(i));
  std::vector<std::string> args;
  for (std::size_t i = 0; i < kQuantiles; ++i) {  // between two groups
    const double place = static_cast<double>((2 * i + 1) * kTogether) - 0.5;
    std::ostringstream text;
    text << std::fixed << std::setprecision(15)
         << place / static_cast<double>(values.size() - 1);
    args.push_back(text.str());
  }
  args.emplace_back("lower");
  const std::vector<Quantile> wanted = quantiles(args);
  QuantileSearch search(ElementType::I64, wanted, kept_of_each(wanted.size()));
  Windows windows = first_windows_of<std::int64_t>(wanted, {}, kNotKnown);
  while (!search.done()) {
    std::uint64_t kept = 0;
    for (const model::KeyWindow& window : windows) kept += window.most_kept;
    EXPECT_LE(kept, model::kMostKeptKeys);
    ASSERT_TRUE(run_round(search, windows, std::span<const std::int64_t>(values)));
    windows.assign(search.windows().begin(), search.windows().end());
  }
  for (std::size_t i = 0; i < kQuantiles; ++i)
    expect_element(*search.value(i), values[(2 * i + 1) * kTogether - 1]);
}

TEST(QuantileSearchTest, ANanMakesItNanAfterOneRound) {
  const float nan = std::numeric_limits<float>::quiet_NaN();
  for (const float one : {nan, -nan}) {
    std::vector<float> values(100, 1);
    values[50] = one;
    const auto wanted = quantiles({"0.5", "lower"});
    QuantileSearch search(ElementType::F32, wanted, kept_of_each(wanted.size()));
    ASSERT_TRUE(first_round(search, wanted, values));
    ASSERT_TRUE(search.done());
    EXPECT_TRUE(std::isnan(std::get<float>(*search.value(0))));
  }
}

TEST(QuantileSearchTest, NothingHasNoQuantile) {
  const auto wanted = quantiles({"0.5"});
  QuantileSearch search(ElementType::F64, wanted, kept_of_each(wanted.size()));
  ASSERT_TRUE(first_round(search, wanted, std::vector<double>()));
  ASSERT_TRUE(search.done());
  ASSERT_FALSE(search.value(0));
  EXPECT_EQ(search.value(0).error().errc(), Errc::NoValue);
}

TEST(QuantileSearchTest, AnInputThatChangesIsAnError) {
  const auto values = hostile<double>(50'000, 7);
  const double inf = std::numeric_limits<double>::infinity();
  const double nan = std::numeric_limits<double>::quiet_NaN();
  for (const double change : {inf, -inf, nan}) {
    const auto wanted = quantiles({"0.5"});
    QuantileSearch search(ElementType::F64, wanted, kept_of_each(wanted.size()));
    const auto sample = sample_of(sorted(values), 20);  // so in two rounds
    ASSERT_TRUE(run_round(search, first_windows_of<double>(wanted, sample, kNotKnown),
                          std::span<const double>(values)));
    ASSERT_FALSE(search.done());
    auto changed = sorted(values);
    changed[change < 0 ? changed.size() - 1 : 0] = change;
    const Windows windows(search.windows().begin(), search.windows().end());
    const auto second = run_round(search, windows, std::span<const double>(changed));
    ASSERT_FALSE(second);
    EXPECT_EQ(second.error().code(), "input_changed");
  }
}

// One window says that all elements are below it, the other that all are above.
TEST(QuantileSearchTest, WindowsThatContradictEachOtherAreAnError) {
  const auto wanted = quantiles({"0.5"});
  QuantileSearch search(ElementType::I64, wanted, kept_of_each(wanted.size()));
  const model::KeyWindow low{-1000, -1}, high{0, 1000};
  States states;
  for (const auto& [window, value] :
       {std::pair{low, std::int64_t{5}}, std::pair{high, std::int64_t{-5}}}) {
    auto state = std::make_unique<RanksState>(window, ElementType::I64);
    const std::vector<std::int64_t> values(3, value);
    feed<std::int64_t>(*state, values, 0, values.size());
    states.push_back(std::move(state));
  }
  const auto narrowed = search.narrow(states, 3);
  ASSERT_FALSE(narrowed);
  EXPECT_EQ(narrowed.error().code(), "input_changed");
}

TEST(QuantileSearchTest, NearestTakesTheEvenRankOfTwoAsNear) {
  // h = 0.5, 1.5, 2.5; 0.75
  const std::vector<std::int32_t> two{10, 20}, four{10, 20, 30, 40},
      six{10, 20, 30, 40, 50, 60};
  const auto near = quantiles({"0.5", "nearest"});
  expect_element(found(near, two)[0], 10);
  expect_element(found(near, four)[0], 30);
  expect_element(found(near, six)[0], 30);
  expect_element(found(quantiles({"0.75", "nearest"}), two)[0], 20);
  EXPECT_EQ(std::get<double>(found(quantiles({"0.1", "midpoint"}), two)[0]), 15);
  EXPECT_EQ(std::get<double>(found(quantiles({"1", "midpoint"}), two)[0]), 20);
}

TEST(QuantilesTest, ArgumentsAreReadAsTheDecimalsTheyAre) {
  EXPECT_EQ(quantiles({"0.3"})[0].scaled, 3'000'000'000'000'000'000U);
  EXPECT_EQ(quantiles({"1"})[0].scaled, kQuantileScale);
  EXPECT_EQ(quantiles({"1.000"})[0].scaled, kQuantileScale);
  EXPECT_EQ(quantiles({".5"})[0].scaled, kQuantileScale / 2);
  EXPECT_EQ(quantiles({"25e-2"})[0].scaled, kQuantileScale / 4);
  EXPECT_EQ(quantiles({"0.0000000000000000001"})[0].scaled, 1U);
  EXPECT_EQ(quantiles({"-0"})[0].scaled, 0U);
  EXPECT_EQ(quantiles({"0.5", "higher"})[0].interpolation, Interpolation::Higher);
  for (const char* bad : {"1.1", "-0.1", "2", "1.0000001", "1e300", "nan", "inf", "",
                          "x", "0.5x", "1e", "1e99999999999", "-1e-30", "1e-20", "."}) {
    const std::vector<std::string> args{bad};
    const auto parsed = parse_quantiles(args);
    ASSERT_FALSE(parsed) << bad;
    EXPECT_EQ(parsed.error().code(), "bad_argument");
    EXPECT_EQ(parsed.error().errc(), Errc::InvalidArgument);
  }
  EXPECT_FALSE(parse_quantiles({}));
}

TEST(QuantilesTest, NoTwoResultsOfOneCallHaveOneName) {
  const auto code_of = [](std::vector<std::string> args) {
    model::ReducerSpec spec;
    spec.name = "quantile";
    spec.label = "q";
    spec.args = std::move(args);
    const auto found = quantiles_of(spec);
    return found ? std::to_string(found->size()) : found.error().code();
  };
  EXPECT_EQ(code_of({"0.5", "0.5"}), "repeated_label");
  EXPECT_EQ(code_of({"0.1", "0.5", "0.9", "0.1", "lower"}), "repeated_label");
  EXPECT_EQ(code_of({"0.5", "0.50", "5e-1"}), "3");  // three names of one value
  EXPECT_EQ(code_of({"0.5", "x", "0.5"}), "bad_argument");
}

}  // namespace
}  // namespace tally::reduce::testing

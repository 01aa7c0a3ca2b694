// Sums and means of floats against the naive oracle: correctly rounded, always.
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>

#include "runtime/reduce/sum_state.h"
#include "tests/unit/runtime/reduce/exact_oracle.h"
#include "tests/unit/runtime/reduce/inputs.h"

namespace tally::reduce::testing {
namespace {

using Limits = std::numeric_limits<double>;
constexpr double kMax = Limits::max();
constexpr double kTiny = Limits::denorm_min();
constexpr double kInfinity = Limits::infinity();

template <typename T>
double mean_of(const std::vector<T>& values, std::uint64_t count) {
  const auto state = state_over(Family::Sum, values);
  return static_cast<const FloatSumState&>(*state).mean(count);
}

double sum_of(const std::vector<double>& values) {
  return mean_of(values, 1);
}
double sum_of(std::initializer_list<double> values) {
  return sum_of(std::vector<double>(values));
}

std::uint64_t bits(double value) {
  return std::bit_cast<std::uint64_t>(value);
}

template <typename T>
void expect_exact(const std::vector<T>& values) {
  ExactOracle oracle;
  for (const T value : values) oracle.add(double{value}, 1);
  EXPECT_TRUE(is_correctly_rounded(oracle, 1, mean_of(values, 1)));
  for (const std::uint64_t divisor :
       {std::uint64_t{3}, std::uint64_t{10}, std::uint64_t{values.size()} + 1,
        std::numeric_limits<std::uint64_t>::max()})
    EXPECT_TRUE(is_correctly_rounded(oracle, Int128{divisor}, mean_of(values, divisor)))
        << "divided by " << divisor;
}

// The judge must be able to say no.
TEST(ExactOracleTest, RefusesTheNeighboursAndTheWrongSideOfATie) {
  ExactOracle tenths;
  for (int i = 0; i < 10; ++i) tenths.add(0.1, 1);
  EXPECT_TRUE(is_correctly_rounded(tenths, 1, 1.0));
  EXPECT_FALSE(is_correctly_rounded(tenths, 1, std::nextafter(1.0, 0.0)));
  EXPECT_FALSE(is_correctly_rounded(tenths, 1, std::nextafter(1.0, 2.0)));
  EXPECT_FALSE(is_correctly_rounded(tenths, 1, -1.0));
  ExactOracle tie;  // halfway between 1 and the next double
  tie.add(1.0, 1);
  tie.add(std::ldexp(1.0, -53), 1);
  EXPECT_TRUE(is_correctly_rounded(tie, 1, 1.0));
  EXPECT_FALSE(is_correctly_rounded(tie, 1, std::nextafter(1.0, 2.0)));
  ExactOracle half_tiny;
  half_tiny.add(kTiny, 1);
  EXPECT_TRUE(is_correctly_rounded(half_tiny, 2, 0.0));
  EXPECT_FALSE(is_correctly_rounded(half_tiny, 2, kTiny));
}

TEST(FloatSumTest, ExponentsOfEverySizeSumExactly) {
  for (const std::size_t size : {1U, 2U, 3U, 10U, 100U, 1023U, 1024U, 5000U}) {
    SCOPED_TRACE(size);
    expect_exact(hostile<double>(size, size));
    expect_exact(hostile<float>(size, size));
  }
}

TEST(FloatSumTest, WhatCancelsLeavesExactlyTheRest) {
  std::mt19937_64 random(7);
  for (const std::size_t size : {10U, 3000U}) {
    auto values = hostile<double>(size, size);
    const std::size_t half = values.size();
    for (std::size_t i = 0; i < half; ++i) values.push_back(-values[i]);
    values.push_back(3 * kTiny);
    std::shuffle(values.begin(), values.end(), random);
    EXPECT_EQ(bits(sum_of(values)), bits(3 * kTiny));
  }
}

TEST(FloatSumTest, SubnormalsSumExactlyAndCarryIntoNormals) {
  std::mt19937_64 random(8);
  std::vector<double> values;
  for (int i = 0; i < 4000; ++i)
    values.push_back(std::bit_cast<double>(random() >> 12));
  expect_exact(values);
  EXPECT_EQ(sum_of({Limits::min() - kTiny, kTiny}), Limits::min());
  EXPECT_EQ(sum_of({Limits::min(), -kTiny}), Limits::min() - kTiny);
}

TEST(FloatSumTest, OverflowThatCancelsIsNoOverflow) {
  EXPECT_EQ(sum_of({kMax, kMax, -kMax}), kMax);
  EXPECT_EQ(sum_of({kMax, kMax, -kMax, -kMax, 1.0}), 1.0);
  EXPECT_EQ(mean_of(std::vector<double>(5000, kMax), 5000), kMax);
  EXPECT_EQ(mean_of(std::vector<double>(5000, -kMax), 5000), -kMax);
  EXPECT_EQ(sum_of(std::vector<double>(5000, kMax)), kInfinity);
}

// Half an ulp above the largest double is the tie that goes to infinity.
TEST(FloatSumTest, InfiniteOnlyIfTheTrueSumRoundsSo) {
  const double half_ulp = std::ldexp(1.0, 970);
  EXPECT_EQ(sum_of({kMax, half_ulp}), kInfinity);
  EXPECT_EQ(sum_of({kMax, half_ulp, -kTiny}), kMax);
  EXPECT_EQ(sum_of({-kMax, -half_ulp}), -kInfinity);
  EXPECT_EQ(sum_of({-kMax, -half_ulp, kTiny}), -kMax);
}

TEST(FloatSumTest, TiesGoToEvenAndTheLeastBitFarBelowBreaksThem) {
  const double half_ulp = std::ldexp(1.0, -53);
  EXPECT_EQ(sum_of({1.0, half_ulp}), 1.0);
  EXPECT_EQ(sum_of({1.0, half_ulp, kTiny}), 1.0 + 2 * half_ulp);
  EXPECT_EQ(sum_of({1.0, half_ulp, -kTiny}), 1.0);
  EXPECT_EQ(sum_of({1.0 + 2 * half_ulp, half_ulp}), 1.0 + 4 * half_ulp);
}

TEST(FloatSumTest, SignOfZero) {
  EXPECT_EQ(bits(sum_of(std::vector<double>{})), bits(0.0));
  EXPECT_EQ(bits(sum_of({-0.0})), bits(-0.0));
  EXPECT_EQ(bits(sum_of(std::vector<double>(5000, -0.0))), bits(-0.0));
  EXPECT_EQ(bits(mean_of(std::vector<double>(3, -0.0), 3)), bits(-0.0));
  EXPECT_EQ(bits(sum_of({-0.0, 0.0})), bits(0.0));
  EXPECT_EQ(bits(sum_of({1.5, -1.5})), bits(0.0));
  EXPECT_EQ(bits(mean_of(std::vector<float>{-0.0F, -0.0F}, 2)), bits(-0.0));
}

TEST(FloatSumTest, InfinitiesAndNans) {
  const double nan = Limits::quiet_NaN();
  const double odd_nan = std::bit_cast<double>(0xFFF0'0000'0000'0001);
  for (const std::size_t padding : {0U, 3000U}) {
    auto with = [padding](std::initializer_list<double> specials) {
      std::vector<double> values(padding, 1.0);
      values.insert(values.begin() + static_cast<long>(padding / 2), specials);
      return sum_of(values);
    };
    EXPECT_EQ(with({kInfinity}), kInfinity);
    EXPECT_EQ(with({-kInfinity, -kInfinity}), -kInfinity);
    EXPECT_EQ(with({kInfinity, -kMax}), kInfinity);
    EXPECT_EQ(bits(with({kInfinity, -kInfinity})), 0x7FF8'0000'0000'0000U);
    EXPECT_EQ(bits(with({nan})), 0x7FF8'0000'0000'0000U);
    EXPECT_EQ(bits(with({odd_nan, kInfinity})), 0x7FF8'0000'0000'0000U);
  }
}

TEST(FloatSumTest, FloatsOfEveryExponentWiden) {
  for (unsigned exponent = 0; exponent < 255; ++exponent)
    for (const std::uint32_t sign : {0U, 1U})
      for (const std::uint32_t mantissa : {0U, 1U, 0x7F'FFFFU}) {
        const float value =
            std::bit_cast<float>(sign << 31 | exponent << 23 | mantissa);
        EXPECT_EQ(bits(mean_of(std::vector<float>{value}, 1)), bits(double{value}));
      }
}

TEST(FloatSumTest, ElementsComeBackAsTheyAre) {
  for (const double value : hostile<double>(2000, 11))
    EXPECT_EQ(bits(sum_of({value})), bits(value));
}

TEST(FloatMeanTest, SubnormalQuotientsAreRoundedOnce) {
  EXPECT_EQ(bits(mean_of(std::vector<double>{kTiny, 0.0}, 2)), bits(0.0));
  EXPECT_EQ(bits(mean_of(std::vector<double>{3 * kTiny, 0.0}, 2)), bits(2 * kTiny));
  EXPECT_EQ(bits(mean_of(std::vector<double>{-kTiny, 0.0, 0.0}, 3)), bits(-0.0));
  EXPECT_EQ(bits(mean_of(std::vector<double>{2 * kTiny, 0.0, 0.0}, 3)), bits(kTiny));
}

TEST(FloatMeanTest, TheMeanOfTenTenthsIsATenth) {
  EXPECT_EQ(mean_of(std::vector<double>(10, 0.1), 10), 0.1);
}

TEST(IntegerMeanTest, QuotientsOf128BitsAreCorrectlyRounded) {
  for (const std::size_t size : {1U, 2U, 3U, 7U, 1000U, 1001U}) {
    const auto values = hostile<std::int64_t>(size, size);
    const auto state = state_over(Family::Sum, values);
    ExactOracle oracle;
    for (const std::int64_t value : values) {
      const std::int64_t low = value & 0xFFFF'FFFF;
      oracle.add(static_cast<double>(low), 1);
      oracle.add(static_cast<double>(value - low), 1);
    }
    EXPECT_TRUE(
        is_correctly_rounded(oracle, static_cast<Int128>(size),
                             static_cast<const IntegerSumState&>(*state).mean(size)));
  }
}

TEST(IntegerMeanTest, LargeIntegersAreNotRoundedBeforeTheyAreDivided) {
  const std::vector<std::uint64_t> values(3, std::numeric_limits<std::uint64_t>::max());
  const auto state = state_over(Family::Sum, values);
  EXPECT_EQ(static_cast<const IntegerSumState&>(*state).mean(3), 0x1p64);
  const std::vector<std::int64_t> odd{(std::int64_t{1} << 53) + 1,
                                      (std::int64_t{1} << 53) + 3};
  const auto odd_state = state_over(Family::Sum, odd);
  EXPECT_EQ(static_cast<const IntegerSumState&>(*odd_state).mean(2), 0x1p53 + 2);
}

}  // namespace
}  // namespace tally::reduce::testing

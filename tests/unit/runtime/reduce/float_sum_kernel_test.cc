// Sums by blocks: the same state as adding one element after the other, whatever the
// exponents, and by the kernel where the elements are tame.
#include "runtime/reduce/float_sum_kernel.h"

#include <gtest/gtest.h>

#include <cmath>

#include "ipc/base/float_environment.h"
#include "tests/unit/runtime/reduce/inputs.h"
#include "tests/unit/runtime/reduce/tame.h"

namespace tally::reduce::testing {
namespace {

using Limits = std::numeric_limits<double>;
constexpr std::size_t kBlocks = 5 * 4096;  // of the widest vectors; others have more

// Runs this short do not go by blocks.
template <typename T>
std::vector<std::byte> one_by_one(const std::vector<T>& values) {
  constexpr std::size_t kShort = 1000;
  const auto state = make_state(Family::Sum, type_of<T>());
  for (std::size_t at = 0; at < values.size(); at += kShort)
    feed(*state, std::span<const T>(values), at, std::min(at + kShort, values.size()));
  return bytes_of(*state);
}

template <typename T>
void expect_same(const std::vector<T>& values) {
  EXPECT_TRUE(bytes_of(*state_over(Family::Sum, values)) == one_by_one(values));
}

template <typename T>
BlockRun anchored(const std::vector<T>& values) {
  const FloatEnvironment environment;
  Superaccumulator sum;
  BlockPlan plan;
  return anchored_sum(values.data(), values.size(), sum, plan);
}

TEST(FloatSumKernelTest, TakesTameElementsByBlocks) {
  if (anchored(tame<double>(kBlocks, 0, 0)).visited == 0)
    GTEST_SKIP() << "no vectors on this machine";
  for (const int spread : {0, 20, 60, 110}) {
    EXPECT_EQ(anchored(tame<double>(kBlocks, 0, spread)).leave, 0U) << spread;
    EXPECT_EQ(anchored(tame<float>(kBlocks, 0, spread)).leave, 0U) << spread;
  }
  EXPECT_EQ(anchored(tame<double>(kBlocks, 0, 300)).visited, 0U);
  EXPECT_EQ(anchored(std::vector<double>(kBlocks, 0.0)).visited, 0U);
  EXPECT_EQ(anchored(std::vector<double>(kBlocks, Limits::max())).visited, 0U);
  EXPECT_EQ(anchored(std::vector<double>(kBlocks, Limits::quiet_NaN())).visited, 0U);
}

TEST(FloatSumKernelTest, EveryScaleAndSpreadSumsExactly) {
  for (const int scale : {-1074, -1022, -1021, -980, -900, 0, 500, 1008, 1009, 1010})
    for (const int spread : {0, 1, 32, 33, 43, 75, 76, 86, 118, 119, 129, 170}) {
      SCOPED_TRACE(::testing::Message() << "2^" << scale << ", over 2^" << spread);
      expect_same(tame<double>(kBlocks + 7, scale, spread));
    }
  for (const int scale : {-149, -126, 0, 100})
    expect_same(tame<float>(kBlocks, scale, 40));
}

// The largest mantissas, all of one sign: what fills an anchor most.
TEST(FloatSumKernelTest, EqualLargeElementsDoNotOverflowAnAnchor) {
  for (const double value :
       {2 - Limits::epsilon(), -(2 - Limits::epsilon()), 1.0, std::nextafter(1.0, 0.0),
        std::ldexp(1.0, 1010), std::ldexp(2 - Limits::epsilon(), 1010)}) {
    std::vector<double> values(kBlocks, value);
    expect_same(values);
    values[1] = std::ldexp(value, -60);
    expect_same(values);
  }
}

TEST(FloatSumKernelTest, WhatOneElementChangesIsNotMissed) {
  for (const double odd :
       {Limits::infinity(), -Limits::infinity(), Limits::quiet_NaN(), Limits::max(),
        Limits::denorm_min(), -0.0, 0.0, 0x1p200, 0x1.8p-200})
    for (const std::size_t at :
         {std::size_t{0}, std::size_t{4095}, kBlocks / 2, kBlocks - 1}) {
      auto values = tame<double>(kBlocks, 0, 20);
      values[at] = odd;
      expect_same(values);
    }
}

TEST(FloatSumKernelTest, ElementsThatGrowShrinkOrVanishAreReplanned) {
  std::vector<double> values;
  for (const int scale : {0, 1, 50, 400, 399, -300, -1000, 1009, 3}) {
    const auto more = tame<double>(4096, scale, 20);
    values.insert(values.end(), more.begin(), more.end());
    values.insert(values.end(), 4096, scale % 2 == 0 ? 0.0 : -0.0);
  }
  expect_same(values);
  std::reverse(values.begin(), values.end());
  expect_same(values);
}

// After many blocks fewer levels are tried: for data that became simpler, and for data
// that did not.
TEST(FloatSumKernelTest, TryingFewerLevelsChangesNothing) {
  auto values = tame<double>(kBlocks * 20, 0, 60);
  expect_same(values);
  for (std::size_t i = values.size() / 2; i < values.size(); ++i)
    values[i] = static_cast<double>(i % 1000);
  expect_same(values);
}

}  // namespace
}  // namespace tally::reduce::testing

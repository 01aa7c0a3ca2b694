// A host program may have changed rounding and turned subnormals off.
#include "ipc/base/float_environment.h"

#include <gtest/gtest.h>

#include <cfenv>
#include <cstring>

#include "runtime/reduce/histogram_bins.h"
#include "runtime/reduce/histogram_state.h"
#include "runtime/reduce/moments_update.h"
#include "runtime/reduce/sum_state.h"
#include "tests/unit/runtime/reduce/inputs.h"
#include "tests/unit/runtime/reduce/tame.h"

namespace tally::reduce::testing {
namespace {

// Volatile, and kept apart: a compiler may else move or fold it across the change.
[[gnu::noinline]] double quotient(double a, double b) {
  volatile double dividend = a, divisor = b;
  volatile double result = dividend / divisor;
  return result;
}

[[gnu::noinline]] std::vector<std::byte> states_of(const std::vector<double>& values) {
  auto bytes = bytes_of(*state_over(Family::Sum, values));
  state_over(Family::Extremes, values)->serialise(bytes);
  state_over(Family::Bits, values)->serialise(bytes);
  HistogramState histogram({1000, -1e-300, 2.3e-300, {}}, ElementType::F64);
  feed(histogram, std::span<const double>(values), 0, values.size());
  histogram.serialise(bytes);
  state_over(Family::Squares, values)->serialise(bytes);
  return bytes;
}

// A column's states, updated together as far as that goes.
[[gnu::noinline]] std::vector<std::byte> states_together(
    const std::vector<double>& values) {
  std::vector<std::unique_ptr<State>> states;
  for (const Family family : {Family::Sum, Family::Extremes, Family::Squares})
    states.push_back(make_state(family, ElementType::F64));
  const Block block{values.data(), values.size(), 0, 0, nullptr};
  const std::size_t together = update_moments(states, block);
  std::vector<std::byte> bytes;
  for (const auto& state : states) {
    state->update(part_of(block, together, block.count - together, ElementType::F64));
    state->serialise(bytes);
  }
  return bytes;
}

[[gnu::noinline]] double mean_of(const std::vector<double>& values) {
  const auto state = state_over(Family::Sum, values);
  return static_cast<const FloatSumState&>(*state).mean(values.size());
}

class HostEnvironment {
 public:
  explicit HostEnvironment(int rounding) {
    std::fegetenv(&saved_);
    std::fesetround(rounding);
#if defined(__SSE__)
    _mm_setcsr(_mm_getcsr() | 0x8040);  // FTZ and DAZ
#endif
  }
  ~HostEnvironment() {
    std::fesetenv(&saved_);
  }

 private:
  std::fenv_t saved_;
};

TEST(FloatEnvironmentTest, RestoresWhatTheHostHad) {
  const HostEnvironment host(FE_UPWARD);
  const double upward = quotient(1.0, 3.0);
  {
    const FloatEnvironment ours;
    EXPECT_LT(quotient(1.0, 3.0), upward);
  }
  EXPECT_EQ(quotient(1.0, 3.0), upward);
}

#if defined(__SSE__)
TEST(FloatEnvironmentTest, SubnormalsAreBackWhileItLives) {
  const double least = std::numeric_limits<double>::min();
  const HostEnvironment host(FE_TONEAREST);
  EXPECT_EQ(std::bit_cast<std::uint64_t>(quotient(least, 4.0)), 0U);
  const FloatEnvironment ours;
  EXPECT_NE(std::bit_cast<std::uint64_t>(quotient(least, 4.0)), 0U);
}
#endif

TEST(FloatEnvironmentTest, StatesAndResultsAreTheSameUnderAnyHost) {
  auto values = hostile<double>(3000, 21);
  for (std::size_t i = 0; i < values.size(); i += 2)
    values[i] = std::bit_cast<double>(std::bit_cast<std::uint64_t>(values[i]) >> 12);
  const auto expected = states_of(values);
  const double mean = mean_of(values);
  const auto subnormal = tame<double>(10'000, -1023, 40);
  const auto expected_alone = states_of(subnormal);
  const auto expected_together = states_together(subnormal);
  for (const int rounding : {FE_TONEAREST, FE_UPWARD, FE_DOWNWARD, FE_TOWARDZERO}) {
    const HostEnvironment host(rounding);
    EXPECT_TRUE(states_together(subnormal) == expected_together);
    EXPECT_TRUE(states_of(subnormal) == expected_alone);
    const FloatEnvironment ours;
    EXPECT_TRUE(states_of(values) == expected);
    EXPECT_EQ(std::bit_cast<std::uint64_t>(mean_of(values)),
              std::bit_cast<std::uint64_t>(mean));
  }
}

// Bins are planned and finished outside of any environment of ours.
TEST(FloatEnvironmentTest, EdgesAreTheSameUnderAnyHost) {
  const std::vector<std::string> args{"7", "-0.1", "2.3e-308"},
      tiny{"3", "5e-324", "1e-310"};
  for (const auto& one : {args, tiny}) {
    const auto bins = parse_histogram_bins(one);
    ASSERT_TRUE(bins);
    const auto edges = edges_of(*bins);
    for (const int rounding : {FE_TONEAREST, FE_UPWARD, FE_DOWNWARD, FE_TOWARDZERO}) {
      const HostEnvironment host(rounding);
      const auto again = parse_histogram_bins(one);
      ASSERT_TRUE(again);
      const auto found = edges_of(*again);
      EXPECT_EQ(std::memcmp(found.data(), edges.data(), 8 * edges.size()), 0);
    }
  }
}

}  // namespace
}  // namespace tally::reduce::testing

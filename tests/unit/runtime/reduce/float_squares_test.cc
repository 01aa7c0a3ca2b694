// Squares by blocks: the same state as adding one element after the other, whatever the
// exponents; and the same states whether a column's are updated together or each alone.
#include <gtest/gtest.h>

#include <cmath>

#include "ipc/base/float_environment.h"
#include "runtime/reduce/float_squares_kernel.h"
#include "runtime/reduce/moments_update.h"
#include "tests/unit/runtime/reduce/inputs.h"
#include "tests/unit/runtime/reduce/tame.h"

namespace tally::reduce::testing {
namespace {

using Limits = std::numeric_limits<double>;
using States = std::vector<std::unique_ptr<State>>;
constexpr std::size_t kBlocks = 5 * 2048;  // of the widest vectors; others have more

// Runs this short do not go by blocks.
template <typename T>
std::vector<std::byte> one_by_one(const std::vector<T>& values) {
  constexpr std::size_t kShort = 1000;
  const auto state = make_state(Family::Squares, type_of<T>());
  for (std::size_t at = 0; at < values.size(); at += kShort)
    feed(*state, std::span<const T>(values), at, std::min(at + kShort, values.size()));
  return bytes_of(*state);
}

template <typename T>
BlockRun digits(const std::vector<T>& values) {
  const FloatEnvironment environment;
  ProductSum sum;
  BlockPlan plan;
  return squares_by_digits(values.data(), values.size(), sum, plan);
}

States states_of(const std::vector<Family>& families, ElementType type) {
  States states;
  for (const Family family : families) states.push_back(make_state(family, type));
  return states;
}

template <typename T>
Block block_of(const std::vector<T>& values, const std::uint64_t* indices = nullptr) {
  return {values.data(), values.size(), 3, kFirstIndex, indices};
}

// As a column's states are updated: together as far as that goes, and alone from there.
std::size_t update_all(const States& states, const Block& block, ElementType type) {
  const std::size_t together = update_moments(states, block);
  for (const auto& state : states)
    state->update(part_of(block, together, block.count - together, type));
  return together;
}

// Gives how many elements went together.
template <typename T>
std::size_t expect_same_states(const std::vector<T>& values,
                               const std::uint64_t* indices = nullptr) {
  std::size_t together = 0;
  for (const std::vector<Family>& families :
       {std::vector{Family::Sum, Family::Squares},
        std::vector{Family::Sum, Family::Extremes, Family::Squares}}) {
    const States states = states_of(families, type_of<T>());
    const Block block = block_of(values, indices);
    together = update_all(states, block, type_of<T>());
    for (const auto& state : states) {
      const auto alone = make_state(state->family(), type_of<T>());
      alone->update(block);
      EXPECT_TRUE(bytes_of(*state) == bytes_of(*alone))
          << "family " << static_cast<int>(state->family());
    }
  }
  return together;
}

bool has_vectors() {
  return digits(tame<double>(kBlocks, 0, 0)).visited != 0;
}

TEST(FloatSquaresTest, TheKernelTakesTameElementsByBlocks) {
  if (!has_vectors()) GTEST_SKIP() << "no vectors on this machine";
  for (const int spread : {0, 2, 20, 58}) {
    EXPECT_EQ(digits(tame<double>(kBlocks, 0, spread)).leave, 0U) << spread;
    EXPECT_EQ(digits(tame<float>(kBlocks, 0, spread)).leave, 0U) << spread;
  }
  EXPECT_EQ(digits(tame<double>(kBlocks, 0, 300)).visited, 0U);
  EXPECT_EQ(digits(std::vector<double>(kBlocks, 0.0)).visited, 0U);
  EXPECT_EQ(digits(std::vector<double>(kBlocks, Limits::max())).visited, 0U);
  EXPECT_EQ(digits(std::vector<double>(kBlocks, Limits::infinity())).visited, 0U);
  EXPECT_EQ(digits(std::vector<double>(kBlocks, Limits::quiet_NaN())).visited, 0U);
}

TEST(FloatSquaresTest, EveryScaleAndSpreadIsExact) {
  for (const int scale : {-1074, -1022, -1021, -980, -900, 0, 500, 989, 990, 991, 1023})
    for (const int spread : {0, 1, 2, 3, 30, 31, 32, 58, 59, 60, 87, 170}) {
      SCOPED_TRACE(::testing::Message() << "2^" << scale << ", over 2^" << spread);
      const auto values = tame<double>(kBlocks + 7, scale, spread);
      EXPECT_TRUE(bytes_of(*state_over(Family::Squares, values)) == one_by_one(values));
      expect_same_states(values);
    }
  for (const int scale : {-149, -126, -100, 0, 127})
    for (const int spread : {0, 3, 4, 30, 31, 60, 88}) {
      SCOPED_TRACE(::testing::Message() << "f32 2^" << scale << ", 2^" << spread);
      const auto values = tame<float>(kBlocks + 7, scale, spread);
      EXPECT_TRUE(bytes_of(*state_over(Family::Squares, values)) == one_by_one(values));
      expect_same_states(values);
    }
}

// The most that digits can come to: all at the upper end, and just below where a digit
// rounds up.
TEST(FloatSquaresTest, TheLargestDigitsHaveRoom) {
  for (const double value :
       {std::nextafter(2.0, 0.0), -std::nextafter(2.0, 0.0), 0x1.0000001p0,
        0x1.ffffffep0, 0x1.fffffffffp0, -0x1.aaaaaaaaaaaaap0, -0x1.ffffff8000001p0}) {
    std::vector<double> values(kBlocks, value);
    EXPECT_TRUE(bytes_of(*state_over(Family::Squares, values)) == one_by_one(values));
    expect_same_states(values);
    values[77] = 0x1p-50;  // more digits, of the same elements
    EXPECT_TRUE(bytes_of(*state_over(Family::Squares, values)) == one_by_one(values));
    expect_same_states(values);
  }
}

TEST(FloatSquaresTest, BlocksThatAreNotForTheKernelAreNotLost) {
  auto values = tame<double>(4 * kBlocks, 0, 2);
  for (const double odd : {Limits::quiet_NaN(), -Limits::infinity(), Limits::max(),
                           Limits::denorm_min(), 0x1p40, -0.0, 0.0}) {
    for (const std::size_t at : {std::size_t{0}, kBlocks + 5, 2 * kBlocks - 1}) {
      auto with = values;
      with[at] = odd;
      EXPECT_TRUE(bytes_of(*state_over(Family::Squares, with)) == one_by_one(with));
      expect_same_states(with);
    }
  }
}

TEST(FloatSquaresTest, ZerosKeepTheirSigns) {
  for (const double sign : {1.0, -1.0}) {
    auto values = tame<double>(kBlocks, 0, 2);
    for (double& value : values) value = sign * std::fabs(value);
    for (const double zero : {0.0, -0.0}) {
      values[3000] = zero;
      expect_same_states(values);
      values[3064] = -zero;  // in the same block, and the same lane
      expect_same_states(values);
    }
  }
  for (const double zero : {0.0, -0.0}) {
    auto values = std::vector<double>(kBlocks, zero);
    expect_same_states(values);
    values[0] = 1;  // then a plan is there when the zeros come
    expect_same_states(values);
  }
}

// A cleared state keeps what it learnt, and zeros alone fit any plan.
TEST(FloatSquaresTest, ZerosAloneAreZerosAloneWhateverWasBefore) {
  const auto before = tame<double>(kBlocks, 0, 2);
  const std::vector<double> zeros(kBlocks, -0.0);
  const States states =
      states_of({Family::Sum, Family::Extremes, Family::Squares}, ElementType::F64);
  update_all(states, block_of(before), ElementType::F64);
  for (const auto& state : states) state->clear();
  update_all(states, block_of(zeros), ElementType::F64);
  for (const auto& state : states) {
    const auto alone = make_state(state->family(), ElementType::F64);
    alone->update(block_of(zeros));
    EXPECT_TRUE(bytes_of(*state) == bytes_of(*alone));
  }
}

TEST(FloatSquaresTest, BinsAreEmptiedBeforeTheyOverflow) {
  constexpr std::size_t kPiece = 1 << 19;
  std::vector<double> values(12 * kPiece, Limits::max());
  for (std::size_t i = 0; i < values.size(); i += 2) values[i] = Limits::denorm_min();
  const std::span<const double> all(values);
  const auto pieces = make_state(Family::Squares, ElementType::F64);
  for (std::size_t at = 0; at < values.size(); at += kPiece)
    feed(*pieces, all, at, at + kPiece);
  EXPECT_TRUE(bytes_of(*state_over(Family::Squares, values)) == bytes_of(*pieces));
}

TEST(FloatSquaresTest, PositionsComeFromTheIndicesWhereThereAreSome) {
  const auto values = tame<float>(kBlocks, 0, 2);
  std::vector<std::uint64_t> indices;
  for (std::size_t i = 0; i < values.size(); ++i) indices.push_back(3 * i + 1);
  expect_same_states(values, indices.data());
}

TEST(FloatSquaresTest, GoTogetherOnlyWhereTheColumnHasTheseStates) {
  const auto values = tame<double>(kBlocks, 0, 2);
  if (has_vectors()) {
    EXPECT_EQ(expect_same_states(values), kBlocks);
  }
  for (const std::vector<Family>& families :
       {std::vector<Family>{}, std::vector{Family::Sum}, std::vector{Family::Squares},
        std::vector{Family::Extremes, Family::Squares},
        std::vector{Family::Sum, Family::Extremes}})
    EXPECT_EQ(update_moments(states_of(families, ElementType::F64), block_of(values)),
              0U);
  const std::vector<std::int64_t> integers(kBlocks, 3);
  EXPECT_EQ(update_moments(states_of({Family::Sum, Family::Squares}, ElementType::I64),
                           block_of(integers)),
            0U);
  const auto few = tame<double>(1023, 0, 2);
  EXPECT_EQ(update_moments(states_of({Family::Sum, Family::Squares}, ElementType::F64),
                           block_of(few)),
            0U);
}

}  // namespace
}  // namespace tally::reduce::testing

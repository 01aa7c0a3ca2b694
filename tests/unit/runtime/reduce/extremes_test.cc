#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>

#include "runtime/reduce/extremes_state.h"
#include "runtime/reduce/order_key.h"
#include "tests/unit/runtime/reduce/inputs.h"

namespace tally::reduce::testing {
namespace {

template <typename T>
std::unique_ptr<ExtremesState> extremes_of(const std::vector<T>& values) {
  auto state = std::make_unique<ExtremesState>(type_of<T>());
  feed(*state, std::span<const T>(values), 0, values.size());
  return state;
}

Position at(std::uint64_t index) {
  return {3, kFirstIndex + index};
}

// What IEEE says of <, with the two zeros told apart.
template <typename T>
bool before(T a, T b) {
  if constexpr (std::is_floating_point_v<T>)
    if (a == 0 && b == 0) return std::signbit(a) && !std::signbit(b);
  return a < b;
}

template <typename T>
class ExtremesTest : public ::testing::Test {};

using AllTypes = ::testing::Types<std::int8_t, std::int16_t, std::int32_t, std::int64_t,
                                  std::uint8_t, std::uint16_t, std::uint32_t,
                                  std::uint64_t, float, double>;
TYPED_TEST_SUITE(ExtremesTest, AllTypes);

TYPED_TEST(ExtremesTest, AgreeWithAPlainSearchAtEverySize) {
  for (const std::size_t size : kSizes) {
    if (size == 0) continue;
    const auto values = hostile<TypeParam>(size, size + 9);
    const auto least =
        std::min_element(values.begin(), values.end(), before<TypeParam>);
    std::size_t greatest = 0;  // std::max_element finds the last, for some compilers
    for (std::size_t i = 1; i < size; ++i)
      if (before(values[greatest], values[i])) greatest = i;
    const auto state = extremes_of(values);
    EXPECT_EQ(state->least().key, order_key(*least));
    EXPECT_EQ(state->least().position,
              at(static_cast<std::uint64_t>(least - values.begin())));
    EXPECT_EQ(state->greatest().key, order_key(values[greatest]));
    EXPECT_EQ(state->greatest().position, at(greatest));
  }
}

TYPED_TEST(ExtremesTest, TheOnlyExtremeIsFoundWhereverItIs) {
  using Limits = std::numeric_limits<TypeParam>;
  for (std::size_t place = 0; place < 200; ++place) {
    std::vector<TypeParam> values(200, TypeParam{1});
    values[place] = Limits::lowest();
    EXPECT_EQ(extremes_of(values)->least().position, at(place));
    values[place] = Limits::max();
    EXPECT_EQ(extremes_of(values)->greatest().position, at(place));
  }
}

TYPED_TEST(ExtremesTest, KeysBringTheValueBack) {
  for (const TypeParam value : hostile<TypeParam>(500, 3))
    EXPECT_EQ(order_key(value_of_key<TypeParam>(order_key(value))), order_key(value));
}

TYPED_TEST(ExtremesTest, TiesGoToTheFirstFileAndTheFirstIndexInAnyOrder) {
  const std::vector<TypeParam> values(5, TypeParam{7});
  for (const auto& files : {std::pair{2U, 4U}, std::pair{4U, 2U}}) {
    ExtremesState state(type_of<TypeParam>());
    state.update({values.data(), values.size(), files.first, 10, nullptr});
    state.update({values.data(), values.size(), files.second, 10, nullptr});
    state.update({values.data(), values.size(), 2, 3, nullptr});
    EXPECT_EQ(state.least().position, (Position{2, 3}));
    EXPECT_EQ(state.greatest().position, (Position{2, 3}));
  }
}

TYPED_TEST(ExtremesTest, IndexesOfFilteredElementsAreTheirOwn) {
  const std::vector<TypeParam> values{5, 1, 9};
  const std::vector<std::uint64_t> indices{100, 205, 377};
  ExtremesState state(type_of<TypeParam>());
  EXPECT_EQ(state.update({values.data(), 3, 1, 0, indices.data()}), 3U);
  EXPECT_EQ(state.least().position, (Position{1, 205}));
  EXPECT_EQ(state.greatest().position, (Position{1, 377}));
}

template <typename T>
class FloatExtremesTest : public ::testing::Test {};
using FloatTypes = ::testing::Types<float, double>;
TYPED_TEST_SUITE(FloatExtremesTest, FloatTypes);

TYPED_TEST(FloatExtremesTest, MinusZeroIsLessThanZero) {
  for (const std::size_t padding : {0U, 100U}) {
    std::vector<TypeParam> values(padding, TypeParam{0});
    values.push_back(-TypeParam{0});
    values.push_back(TypeParam{0});
    const auto state = extremes_of(values);
    EXPECT_TRUE(std::signbit(value_of_key<TypeParam>(state->least().key)));
    EXPECT_EQ(state->least().position, at(padding));
    EXPECT_FALSE(std::signbit(value_of_key<TypeParam>(state->greatest().key)));
  }
}

TYPED_TEST(FloatExtremesTest, TheFirstNanWinsBothEndsWhateverItsSign) {
  using Limits = std::numeric_limits<TypeParam>;
  for (const TypeParam nan :
       {Limits::quiet_NaN(), -Limits::quiet_NaN(), Limits::signaling_NaN()})
    for (const std::size_t place : {0U, 1U, 63U, 5000U}) {
      std::vector<TypeParam> values(9000, TypeParam{1});
      values[8999] = -Limits::quiet_NaN();
      values[3] = -Limits::infinity();
      values[8000] = Limits::infinity();
      values[place] = nan;
      const auto state = extremes_of(values);
      EXPECT_TRUE(state->is_nan());
      EXPECT_EQ(state->least().position, at(place));
      EXPECT_EQ(state->greatest().position, at(place));
    }
}

TYPED_TEST(FloatExtremesTest, InfinitiesAreValues) {
  using Limits = std::numeric_limits<TypeParam>;
  const auto state = extremes_of<TypeParam>(
      {1, Limits::infinity(), Limits::max(), -Limits::infinity(), Limits::lowest()});
  EXPECT_FALSE(state->is_nan());
  EXPECT_EQ(state->least().position, at(3));
  EXPECT_EQ(state->greatest().position, at(1));
}

TYPED_TEST(FloatExtremesTest, SubnormalsAreTold) {
  const TypeParam tiny = std::numeric_limits<TypeParam>::denorm_min();
  const auto state = extremes_of<TypeParam>({2 * tiny, tiny, 0, -tiny, -2 * tiny});
  EXPECT_EQ(state->least().position, at(4));
  EXPECT_EQ(state->greatest().position, at(0));
}

}  // namespace
}  // namespace tally::reduce::testing

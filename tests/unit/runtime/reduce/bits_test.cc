#include "runtime/reduce/bits_state.h"

#include <gtest/gtest.h>

#include <cmath>

#include "tests/unit/runtime/reduce/inputs.h"

namespace tally::reduce::testing {
namespace {

template <typename T>
const BitsState bits_over(const std::vector<T>& values) {
  BitsState state(type_of<T>());
  state.merge(*state_over(Family::Bits, values));
  return state;
}

template <typename T>
class BitsTest : public ::testing::Test {};
using AllTypes = ::testing::Types<std::int8_t, std::int16_t, std::int32_t, std::int64_t,
                                  std::uint8_t, std::uint16_t, std::uint32_t,
                                  std::uint64_t, float, double>;
TYPED_TEST_SUITE(BitsTest, AllTypes);

TYPED_TEST(BitsTest, OneElementOfAnotherKindIsSeenWhereverItIs) {
  for (const std::size_t size : kSizes)
    for (std::size_t at = 0; at < size; at = 2 * at + 1) {
      SCOPED_TRACE(::testing::Message() << at << " of " << size);
      std::vector<TypeParam> values(size, TypeParam{0});
      EXPECT_FALSE(bits_over(values).any());
      EXPECT_FALSE(bits_over(values).all());
      values[at] = TypeParam{4};
      EXPECT_TRUE(bits_over(values).any());
      EXPECT_EQ(bits_over(values).all(), size == 1);
      std::fill(values.begin(), values.end(), TypeParam{64});
      EXPECT_TRUE(bits_over(values).all());
      values[at] = TypeParam{0};
      EXPECT_FALSE(bits_over(values).all());
      EXPECT_EQ(bits_over(values).any(), size != 1);
    }
}

TYPED_TEST(BitsTest, IntegersAreCombinedAsTheirOperatorsDo) {
  if constexpr (std::is_integral_v<TypeParam>) {
    for (const std::size_t size : kSizes) {
      auto values = hostile<TypeParam>(size, size + 7);
      const auto all_have = static_cast<TypeParam>(size % 3 == 0 ? 9 : 0);
      auto conjunction = static_cast<TypeParam>(~TypeParam{0});
      TypeParam disjunction = 0, difference = 0;
      for (TypeParam& value : values) {
        value = static_cast<TypeParam>(value | all_have);
        conjunction = static_cast<TypeParam>(conjunction & value);
        disjunction = static_cast<TypeParam>(disjunction | value);
        difference = static_cast<TypeParam>(difference ^ value);
      }
      const BitsState state = bits_over(values);
      EXPECT_TRUE(state.conjunction() == Int128{conjunction}) << size;
      EXPECT_TRUE(state.disjunction() == Int128{disjunction}) << size;
      EXPECT_TRUE(state.difference() == Int128{difference}) << size;
    }
  }
}

TEST(FloatTruthTest, NanAndSubnormalsAreTrueAndMinusZeroIsNot) {
  using Limits = std::numeric_limits<double>;
  for (const std::size_t size : {1U, 100U}) {
    EXPECT_FALSE(bits_over(std::vector<double>(size, -0.0)).any());
    for (const double value : {Limits::quiet_NaN(), -Limits::signaling_NaN(),
                               Limits::denorm_min(), -Limits::infinity()}) {
      std::vector<double> values(size, value);
      EXPECT_TRUE(bits_over(values).any());
      EXPECT_TRUE(bits_over(values).all());
      values.push_back(-0.0);
      EXPECT_FALSE(bits_over(values).all());
    }
  }
}

TEST(BitsOfRangeTest, EveryElementIsVisited) {
  BitsState state(ElementType::I64);
  EXPECT_EQ(state.update_range({-3, 2, 5000, 0}), 5000U);
  std::int64_t difference = 0;
  for (std::int64_t i = 0; i < 5000; ++i) difference ^= -3 + 2 * i;
  EXPECT_TRUE(state.difference() == difference);
  EXPECT_TRUE(state.conjunction() == 1);
  EXPECT_TRUE(state.all());
}

}  // namespace
}  // namespace tally::reduce::testing

#include <gtest/gtest.h>

#include <limits>

#include "runtime/reduce/sum_state.h"
#include "tests/unit/runtime/reduce/inputs.h"

namespace tally::reduce::testing {
namespace {

template <typename T>
Int128 engine_total(const std::vector<T>& values) {
  const auto state = state_over(Family::Sum, values);
  return static_cast<const IntegerSumState&>(*state).total();
}

template <typename T>
Int128 plain_total(const std::vector<T>& values) {
  Int128 total = 0;
  for (const T value : values) total += value;
  return total;
}

template <typename T>
class IntegerSumTest : public ::testing::Test {};

using IntegerTypes =
    ::testing::Types<std::int8_t, std::int16_t, std::int32_t, std::int64_t,
                     std::uint8_t, std::uint16_t, std::uint32_t, std::uint64_t>;
TYPED_TEST_SUITE(IntegerSumTest, IntegerTypes);

TYPED_TEST(IntegerSumTest, EverySizeSumsExactly) {
  for (const std::size_t size : kSizes) {
    const auto values = hostile<TypeParam>(size, size);
    EXPECT_TRUE(engine_total(values) == plain_total(values)) << size << " elements";
  }
}

// The sums of half lanes are fullest here: a flush that comes late loses a carry.
TYPED_TEST(IntegerSumTest, RunsOfTheLargestAndTheLeastSumExactly) {
  using Limits = std::numeric_limits<TypeParam>;
  for (const TypeParam value : {Limits::max(), Limits::min(), TypeParam{0}}) {
    const std::vector<TypeParam> values(20'000'001 / sizeof(TypeParam), value);
    EXPECT_TRUE(engine_total(values) ==
                Int128{value} * static_cast<Int128>(values.size()));
  }
}

TYPED_TEST(IntegerSumTest, UpdateCountsWhatItVisited) {
  const std::vector<TypeParam> values(777);
  const auto state = make_state(Family::Sum, type_of<TypeParam>());
  Block block;
  block.data = values.data();
  block.count = values.size();
  EXPECT_EQ(state->update(block), values.size());
}

}  // namespace
}  // namespace tally::reduce::testing

#include <gtest/gtest.h>

#include <limits>
#include <tuple>

#include "runtime/reduce/extremes_state.h"
#include "runtime/reduce/sum_state.h"
#include "tests/unit/runtime/reduce/inputs.h"

namespace tally::reduce::testing {
namespace {

using Limits = std::numeric_limits<std::int64_t>;

Int128 engine_total(const RangeBlock& block) {
  IntegerSumState state(ElementType::I64);
  EXPECT_EQ(state.update_range(block), block.count);
  return state.total();
}

Int128 plain_total(const RangeBlock& block) {
  Int128 total = 0, element = block.first;
  for (std::uint64_t i = 0; i < block.count; ++i, element += block.step)
    total += element;
  return total;
}

TEST(RangeSumTest, FiveHundredMillionElements) {
  EXPECT_TRUE(engine_total({0, 1, 500'000'000, 0}) == Int128{124'999'999'750'000'000});
}

TEST(RangeSumTest, EveryCountAroundALoopsGroup) {
  for (std::uint64_t count = 0; count < 300; ++count) {
    const RangeBlock block{-17, 3, count, 0};
    EXPECT_TRUE(engine_total(block) == plain_total(block)) << count;
  }
}

// Sums that need more than 64 bits, at both ends of i64 and across them.
TEST(RangeSumTest, SumsBeyond64BitsAreExact) {
  for (const RangeBlock block : {RangeBlock{Limits::max() - 999'999, 1, 1'000'000, 0},
                                 RangeBlock{Limits::min(), 1, 1'000'000, 0},
                                 RangeBlock{Limits::max(), -1, 1'000'000, 0},
                                 RangeBlock{Limits::min() + 999'999, -1, 1'000'000, 0}})
    EXPECT_TRUE(engine_total(block) == plain_total(block)) << block.first;
}

// From one end of i64 to the other, in steps of every size.
TEST(RangeSumTest, EveryStepSizeInBothDirections) {
  const UInt128 reach = std::numeric_limits<std::uint64_t>::max();
  for (unsigned shift = 40; shift < 64; ++shift) {
    const std::uint64_t size = (std::uint64_t{1} << shift) - (shift < 63 ? 0 : 1);
    const auto step = static_cast<std::int64_t>(size);
    const auto count = static_cast<std::uint64_t>(reach / size + 1);
    const std::uint64_t span = (count - 1) * size;
    const auto top =
        static_cast<std::int64_t>(static_cast<std::uint64_t>(Limits::min()) + span);
    const RangeBlock up{Limits::min(), step, count, 0};
    const RangeBlock down{top, -step, count, 0};
    EXPECT_TRUE(engine_total(up) == plain_total(up)) << "step 2^" << shift;
    EXPECT_TRUE(engine_total(down) == plain_total(down)) << "step -2^" << shift;
  }
}

TEST(RangeSumTest, TheLeastStepThatThereIs) {
  const RangeBlock one{5, Limits::min(), 1, 0};
  const RangeBlock two{0, Limits::min(), 2, 0};
  EXPECT_TRUE(engine_total(one) == 5);
  EXPECT_TRUE(engine_total(two) == Int128{Limits::min()});
}

TEST(RangeSumTest, SplitsGiveTheSameBytes) {
  const auto whole = make_state(Family::Sum, ElementType::I64);
  whole->update_range({Limits::min(), 7, 100'000, 0});
  const auto parts = make_state(Family::Sum, ElementType::I64);
  for (std::uint64_t at = 0; at < 100'000; at += 4099) {
    const std::uint64_t count = std::min<std::uint64_t>(4099, 100'000 - at);
    parts->update_range(
        {Limits::min() + static_cast<std::int64_t>(at) * 7, 7, count, at});
  }
  EXPECT_EQ(bytes_of(*parts), bytes_of(*whole));
}

TEST(RangeSumTest, ARangeGivesTheStatesThatItsElementsGive) {
  for (const std::int64_t step : {3, -3}) {
    std::vector<std::int64_t> values;
    for (std::int64_t i = 0; i < 5000; ++i) values.push_back(40 + i * step);
    for (const Family family : {Family::Sum, Family::Extremes}) {
      const auto from_range = make_state(family, ElementType::I64);
      EXPECT_EQ(from_range->update_range({40, step, 5000, kFirstIndex}), 5000U);
      const auto from_elements = make_state(family, ElementType::I64);
      from_elements->update({values.data(), values.size(), 0, kFirstIndex, nullptr});
      EXPECT_EQ(bytes_of(*from_range), bytes_of(*from_elements));
    }
  }
}

}  // namespace
}  // namespace tally::reduce::testing

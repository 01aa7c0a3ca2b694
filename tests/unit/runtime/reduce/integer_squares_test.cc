#include <gtest/gtest.h>

#include <limits>

#include "runtime/reduce/squares_state.h"
#include "tests/unit/runtime/reduce/inputs.h"

namespace tally::reduce::testing {
namespace {

template <typename T>
class IntegerSquaresTest : public ::testing::Test {
 protected:
  static std::vector<std::byte> engine(const std::vector<T>& values) {
    return bytes_of(*state_over(Family::Squares, values));
  }

  // 192 bits in three words, one square after the other.
  static std::vector<std::byte> plain(const std::vector<T>& values) {
    UInt128 low = 0, high = 0;  // high weighs 2^64
    for (const T value : values) {
      const auto wide = static_cast<UInt128>(static_cast<Int128>(value));
      const UInt128 square = wide * wide;
      low += square & ~std::uint64_t{0};
      high += square >> 64;
    }
    high += low >> 64;
    std::vector<std::byte> bytes;
    for (const UInt128 word : {low, high, high >> 64})
      for (unsigned i = 0; i < 8; ++i)
        bytes.push_back(static_cast<std::byte>(word >> (8 * i)));
    return bytes;
  }
};

using IntegerTypes =
    ::testing::Types<std::int8_t, std::int16_t, std::int32_t, std::int64_t,
                     std::uint8_t, std::uint16_t, std::uint32_t, std::uint64_t>;
TYPED_TEST_SUITE(IntegerSquaresTest, IntegerTypes);

TYPED_TEST(IntegerSquaresTest, EverySizeIsExact) {
  for (const std::size_t size : kSizes) {
    const auto values = hostile<TypeParam>(size, size);
    EXPECT_EQ(this->engine(values), this->plain(values)) << size << " elements";
  }
}

// Half lanes are fullest here: a flush that comes late loses a carry.
TYPED_TEST(IntegerSquaresTest, RunsOfTheLargestAndTheLeastAreExact) {
  using Limits = std::numeric_limits<TypeParam>;
  for (const TypeParam value : {Limits::max(), Limits::min(), TypeParam{0}}) {
    const std::vector<TypeParam> values(20'000'001 / sizeof(TypeParam), value);
    EXPECT_EQ(this->engine(values), this->plain(values));
  }
}

TEST(SquaresOfRangesTest, AreThoseOfTheElements) {
  constexpr std::int64_t kFirst = -(std::int64_t{1} << 62), kStep = (1LL << 50) + 3;
  std::vector<std::int64_t> values;
  for (int i = 0; i < 5000; ++i) values.push_back(kFirst + i * kStep);
  const auto state = make_state(Family::Squares, ElementType::I64);
  EXPECT_EQ(state->update_range({kFirst, kStep, values.size(), 0}), values.size());
  EXPECT_EQ(bytes_of(*state), bytes_of(*state_over(Family::Squares, values)));
}

}  // namespace
}  // namespace tally::reduce::testing

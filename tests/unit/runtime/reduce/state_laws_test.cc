// The laws of state.h, for every family and element type, with every instruction set
// that this machine has.
#include <gtest/gtest.h>

#include <limits>

#include "tests/unit/runtime/reduce/inputs.h"
#include "tests/unit/runtime/reduce/targets.h"

namespace tally::reduce::testing {
namespace {

template <typename T>
class StateLawsTest : public ::testing::Test {
 protected:
  // Hostile values, floats with infinities and NaNs put in where `specials`.
  static std::vector<T> values(std::size_t count, bool specials) {
    auto result = hostile<T>(count, count + 1);
    if constexpr (std::is_floating_point_v<T>) {
      using Limits = std::numeric_limits<T>;
      if (specials && count > 2) {
        result[count / 2] = Limits::quiet_NaN();
        result[count / 3] = -Limits::infinity();
        result[count - 1] = -Limits::quiet_NaN();
      }
    }
    return result;
  }

  template <typename Law>
  static void for_all(Law law) {
    for (const std::size_t size : kSizes)
      for (const bool specials : {false, true}) {
        const std::vector<T> elements = values(size, specials);
        for_each_target([&](std::int64_t target) {
          for (const Family family : families_of(type_of<T>())) {
            SCOPED_TRACE(::testing::Message()
                         << hwy::TargetName(target) << ", family "
                         << static_cast<int>(family) << ", " << size
                         << " elements, specials " << specials);
            law(family, elements);
          }
        });
      }
  }
};

using AllTypes = ::testing::Types<std::int8_t, std::int16_t, std::int32_t, std::int64_t,
                                  std::uint8_t, std::uint16_t, std::uint32_t,
                                  std::uint64_t, float, double>;
TYPED_TEST_SUITE(StateLawsTest, AllTypes);

TYPED_TEST(StateLawsTest, EmptyIsTheIdentityOfMergeOnBothSides) {
  this->for_all([](Family family, const auto& values) {
    const auto whole = state_over(family, values);
    const auto empty = make_state(family, type_of<TypeParam>());
    const auto expected = bytes_of(*whole);
    whole->merge(*empty);
    EXPECT_EQ(bytes_of(*whole), expected);
    empty->merge(*whole);
    EXPECT_EQ(bytes_of(*empty), expected);
  });
}

TYPED_TEST(StateLawsTest, AnySplitGivesTheSameBytes) {
  this->for_all([](Family family, const auto& values) {
    const std::span<const TypeParam> all(values);
    const auto expected = bytes_of(*state_over(family, values));
    for (const std::size_t cut : {all.size() / 3, all.size() / 2, all.size()}) {
      const auto left = state_over(family, all, 0, cut);
      left->merge(*state_over(family, all, cut, all.size()));
      EXPECT_EQ(bytes_of(*left), expected);
    }
    const auto in_blocks = make_state(family, type_of<TypeParam>());
    for (std::size_t at = 0; at < all.size(); at += 100)
      feed(*in_blocks, all, at, std::min(all.size(), at + 100));
    EXPECT_EQ(bytes_of(*in_blocks), expected);
  });
}

TYPED_TEST(StateLawsTest, OrderOfMergingAndOfBlocksDoesNotMatter) {
  this->for_all([](Family family, const auto& values) {
    const std::span<const TypeParam> all(values);
    const std::size_t third = all.size() / 3, half = all.size() / 2;
    const auto a = [&] { return state_over(family, all, 0, third); };
    const auto b = [&] { return state_over(family, all, third, half); };
    const auto c = [&] { return state_over(family, all, half, all.size()); };
    const auto left = a();  // (a b) c
    left->merge(*b());
    left->merge(*c());
    const auto tail = b();  // a (b c)
    tail->merge(*c());
    const auto right = a();
    right->merge(*tail);
    const auto reversed = c();  // c b a, b and a fed as late blocks
    feed(*reversed, all, third, half);
    feed(*reversed, all, 0, third);
    EXPECT_EQ(bytes_of(*left), bytes_of(*right));
    EXPECT_EQ(bytes_of(*left), bytes_of(*reversed));
  });
}

TYPED_TEST(StateLawsTest, MergeLeavesItsSourceAsItWas) {
  this->for_all([](Family family, const auto& values) {
    const std::span<const TypeParam> all(values);
    const auto from = state_over(family, all, all.size() / 2, all.size());
    const auto before = bytes_of(*from);
    state_over(family, all, 0, all.size() / 2)->merge(*from);
    EXPECT_EQ(bytes_of(*from), before);
  });
}

TYPED_TEST(StateLawsTest, BytesBringAStateBack) {
  this->for_all([](Family family, const auto& values) {
    const auto state = state_over(family, values);
    const auto bytes = bytes_of(*state);
    const auto copy = make_state(family, type_of<TypeParam>());
    ASSERT_TRUE(copy->deserialise(state->version(), bytes));
    EXPECT_EQ(bytes_of(*copy), bytes);
    copy->clear();
    EXPECT_EQ(bytes_of(*copy), bytes_of(*make_state(family, type_of<TypeParam>())));
  });
}

TYPED_TEST(StateLawsTest, ABlockThatStartsAnywhereInMemoryIsReadWhole) {
  const auto values = hostile<TypeParam>(300, 5);
  for_each_target([&](std::int64_t target) {
    for (std::size_t begin = 0; begin < 70; ++begin) {
      const std::vector<TypeParam> copy(values.begin() + static_cast<long>(begin),
                                        values.end());
      for (const Family family : families_of(type_of<TypeParam>())) {
        const std::span<const TypeParam> all(values);
        const auto moved = state_over(family, all, begin, all.size());
        auto expected = make_state(family, type_of<TypeParam>());
        feed(*expected, std::span<const TypeParam>(copy), 0, copy.size(), begin);
        EXPECT_EQ(bytes_of(*moved), bytes_of(*expected)) << hwy::TargetName(target);
      }
    }
  });
}

}  // namespace
}  // namespace tally::reduce::testing

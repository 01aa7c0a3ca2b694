#include "runtime/reduce/product_state.h"

#include <gtest/gtest.h>

#include <algorithm>

#include "tests/unit/runtime/reduce/inputs.h"

namespace tally::reduce::testing {
namespace {

// The value as decimal text, "zero" told apart from nothing; "too large" if there is
// none.
template <typename T>
std::string product_of(const std::vector<T>& values) {
  ProductState state(type_of<T>());
  state.merge(*state_over(Family::Product, values));
  const auto value = state.value();
  return value ? to_string(*value) : "too large";
}

TEST(ProductTest, TheEdgesOf128Bits) {
  using Values = std::vector<std::int64_t>;
  const std::int64_t least = std::numeric_limits<std::int64_t>::min();
  EXPECT_EQ(product_of(Values{}), "1");
  EXPECT_EQ(product_of(Values{-7}), "-7");
  EXPECT_EQ(product_of(Values{least}), "-9223372036854775808");
  EXPECT_EQ(product_of(Values{least, least, -2}),
            "-170141183460469231731687303715884105728");
  EXPECT_EQ(product_of(Values{least, least, 2}), "too large");
  EXPECT_EQ(product_of(Values{least, least, 2, -1}),
            "-170141183460469231731687303715884105728")
      << "what comes in between is no overflow";
  EXPECT_EQ(product_of(Values{least, least, 2, -3}), "too large");
  EXPECT_EQ(product_of(Values{least, least, least, 0}), "0");
  // 2^127 - 1 is prime; the largest product that is not is one less.
  EXPECT_EQ(product_of(std::vector<std::uint64_t>{2, 27, 7 * 7 * 19 * 43ULL * 73,
                                                  127 * 337ULL * 5419, 92737, 649657,
                                                  77158673929ULL}),
            "170141183460469231731687303715884105726");
}

// An oracle of its own: decimal digits, multiplied as on paper, cut off where they are
// certainly too many.
std::string on_paper(const std::vector<std::int64_t>& values) {
  std::vector<unsigned> digits{1};  // least first
  bool negative = false;
  if (std::find(values.begin(), values.end(), 0) != values.end()) return "0";
  for (const std::int64_t value : values) {
    negative = negative != (value < 0);
    UInt128 carry = 0;
    const UInt128 size = value < 0 ? UInt128{0} - static_cast<UInt128>(value)
                                   : static_cast<UInt128>(value);
    for (unsigned& digit : digits) {
      carry += digit * size;
      digit = static_cast<unsigned>(carry % 10);
      carry /= 10;
    }
    for (; carry != 0; carry /= 10) digits.push_back(static_cast<unsigned>(carry % 10));
    if (digits.size() > 100) return "too large";
  }
  std::string text;
  for (const unsigned digit : digits) text.insert(text.begin(), char('0' + digit));
  const std::string most = negative ? "170141183460469231731687303715884105728"
                                    : "170141183460469231731687303715884105727";
  if (text.size() > most.size() || (text.size() == most.size() && text > most))
    return "too large";
  return negative ? "-" + text : text;
}

TEST(ProductTest, RandomProductsAreThoseOnPaperInWhateverOrder) {
  std::mt19937_64 random(20);
  int too_large = 0, fitting = 0;
  for (int round = 0; round < 3000; ++round) {
    std::vector<std::int64_t> values(random() % 12);
    for (std::int64_t& value : values) {
      value = static_cast<std::int64_t>(random()) >> (random() % 64);
      if (value == 0 && random() % 8 != 0) value = -1;
    }
    const std::string expected = on_paper(values);
    ++(expected == "too large" ? too_large : fitting);
    EXPECT_EQ(product_of(values), expected);
    std::shuffle(values.begin(), values.end(), random);
    const std::span<const std::int64_t> all(values);
    const auto right = state_over(Family::Product, all, all.size() / 2, all.size());
    right->merge(*state_over(Family::Product, all, 0, all.size() / 2));
    EXPECT_EQ(bytes_of(*right), bytes_of(*state_over(Family::Product, values)));
    EXPECT_EQ(product_of(values), expected);
  }
  EXPECT_GT(too_large, 100);
  EXPECT_GT(fitting, 100);
}

TEST(ProductTest, AZeroIsFoundHoweverLongTheProductIsTooLarge) {
  for (const std::size_t size : {200U, 1000U, 70'000U}) {
    std::vector<std::int16_t> values(size, -3);
    EXPECT_EQ(product_of(values), "too large");
    values[size - 5] = 0;
    EXPECT_EQ(product_of(values), "0");
  }
}

TEST(ProductTest, ARangeIsVisited) {
  ProductState state(ElementType::I64);
  EXPECT_EQ(state.update_range({1, 1, 33, 0}), 33U);
  EXPECT_EQ(to_string(state.value().value()), "8683317618811886495518194401280000000");
  EXPECT_EQ(state.update_range({34, 1, 100'000, 33}), 100'000U);
  EXPECT_FALSE(state.value());
}

}  // namespace
}  // namespace tally::reduce::testing

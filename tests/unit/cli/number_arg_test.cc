#include "client/cli/number_arg.h"

#include <gtest/gtest.h>

#include <bit>
#include <cmath>
#include <cstring>
#include <limits>
#include <string>

#include "tests/unit/cli/parsed.h"

namespace tally::cli {
namespace {

using model::ElementType;

template <typename T>
std::vector<T> values_of(std::string_view text, ElementType type) {
  const Result<std::vector<std::byte>> bytes = parse_values(text, type);
  if (!bytes) {
    ADD_FAILURE() << bytes.error().message();
    return {};
  }
  std::vector<T> values(bytes->size() / sizeof(T));
  if (!values.empty()) std::memcpy(values.data(), bytes->data(), bytes->size());
  return values;
}

std::string refusal(std::string_view text, ElementType type) {
  return message_of(parse_values(text, type));
}

constexpr std::uint64_t kMost = std::numeric_limits<std::uint64_t>::max();

TEST(NumberArgTest, IntegersHaveUnderscoresExponentsAndLeadingZeros) {
  const std::pair<const char*, std::uint64_t> cases[] = {
      {"500000000", 500'000'000},
      {"500_000_000", 500'000'000},
      {"5e8", 500'000'000},
      {"5E+8", 500'000'000},
      {"1.5e9", 1'500'000'000},
      {"010", 10},
      {"+7", 7},
      {"120e-1", 12},
      {"2.0", 2},
      {"18446744073709551615", kMost}};
  for (const auto& [text, value] : cases) {
    const Result<std::uint64_t> number = parse_count(text, "--chunk", kMost);
    ASSERT_TRUE(number) << text << ": " << message_of(number);
    EXPECT_EQ(*number, value) << text;
  }
}

TEST(NumberArgTest, WhatIsNoNumberIsRefused) {
  for (const char* text : {"", "-", "+", "_1", "1_", "1__0", "0x10", "1e", "e5", "1e+",
                           "five", "1 ", " 1", ".", "--1", "+-1", "1e9999999", "1_.5"})
    EXPECT_EQ(code_of(parse_count(text, "--chunk", kMost)), "bad_number")
        << '"' << text << '"';
}

TEST(NumberArgTest, WhatIsNotIntegralOrOutOfRangeIsRefusedWithTheRange) {
  for (const char* text :
       {"0", "0e999999", "-1", "1.5", "15e-1", "1025", "1e20", "18446744073709551616",
        "1e999999", "x", "340282366920938463463374607431768211456"})
    EXPECT_EQ(
        message_of(parse_count(text, "--workers", 1024)),
        "--workers \"" + std::string(text) + "\" is not an integer from 1 to 1024");
}

TEST(NumberArgTest, TheWholeOfI64IsReachedAndNothingBeyond) {
  EXPECT_EQ(*parse_i64("-9223372036854775808", "x"),
            std::numeric_limits<std::int64_t>::min());
  EXPECT_EQ(*parse_i64("9223372036854775807", "x"),
            std::numeric_limits<std::int64_t>::max());
  EXPECT_FALSE(parse_i64("-9223372036854775809", "x"));
  EXPECT_FALSE(parse_i64("9223372036854775808", "x"));
}

TEST(RangeArgTest, AStepIsOptionalAndMayBeNegative) {
  const Result<model::RangeSource> plain = parse_range("-5:5e8");
  ASSERT_TRUE(plain);
  EXPECT_EQ(plain->start, -5);
  EXPECT_EQ(plain->stop, 500'000'000);
  EXPECT_EQ(plain->step, 1);
  const Result<model::RangeSource> down = parse_range("10:-1_0:-3");
  ASSERT_TRUE(down);
  EXPECT_EQ(down->stop, -10);
  EXPECT_EQ(down->step, -3);
}

TEST(RangeArgTest, MalformedRangesAreRefusedByThePartThatIsWrong) {
  EXPECT_NE(message_of(parse_range("0:10:0")).find("STEP is 0"), std::string::npos);
  EXPECT_NE(message_of(parse_range("a:10")).find("START \"a\""), std::string::npos);
  EXPECT_NE(message_of(parse_range("0:")).find("STOP \"\""), std::string::npos);
  EXPECT_NE(message_of(parse_range("0:1:x")).find("STEP \"x\""), std::string::npos);
  EXPECT_NE(message_of(parse_range("0:9223372036854775808")).find("STOP"),
            std::string::npos);
  for (const char* text : {"", "5", "0:1:2:3"})
    EXPECT_NE(message_of(parse_range(text)).find("START:STOP"), std::string::npos);
}

TEST(ValuesArgTest, ValuesAreDoublesCorrectlyRounded) {
  EXPECT_EQ(values_of<double>("1, 0.1,-2e3,+4,1_000", ElementType::F64),
            (std::vector<double>{1, 0.1, -2000, 4, 1000}));
  EXPECT_TRUE(values_of<double>("", ElementType::F64).empty());
  EXPECT_TRUE(values_of<double>(" ", ElementType::F64).empty());
}

TEST(ValuesArgTest, NanAndInfinityAreFloatsAndNegativeZeroKeepsItsSign) {
  const auto values =
      values_of<double>("nan,NaN,inf,-Infinity,-0,1e-400", ElementType::F64);
  ASSERT_EQ(values.size(), 6U);
  EXPECT_TRUE(std::isnan(values[0]) && std::isnan(values[1]));
  EXPECT_EQ(values[2], std::numeric_limits<double>::infinity());
  EXPECT_EQ(values[3], -std::numeric_limits<double>::infinity());
  EXPECT_TRUE(std::signbit(values[4]));
  EXPECT_EQ(values[5], 0.0);
  EXPECT_EQ(code_of(parse_values("nan", ElementType::I64)), "bad_number");
}

TEST(ValuesArgTest, SubnormalsAreRoundedNotRefused) {
  EXPECT_EQ(values_of<double>("5e-324", ElementType::F64)[0],
            std::numeric_limits<double>::denorm_min());
  EXPECT_EQ(values_of<float>("1e-45", ElementType::F32)[0],
            std::numeric_limits<float>::denorm_min());
}

TEST(ValuesArgTest, AnIntegerThatTheTypeCannotHoldSuggestsAnother) {
  EXPECT_NE(refusal("9007199254740993", ElementType::F64).find("--dtype i64 or u64"),
            std::string::npos);
  EXPECT_NE(refusal("16777217", ElementType::F32).find("--dtype f64, i64 or u64"),
            std::string::npos);
  EXPECT_EQ(values_of<double>("9007199254740992", ElementType::F64)[0], 0x1p53);
  EXPECT_EQ(values_of<double>("18446744073709551616", ElementType::F64)[0], 0x1p64);
  // Written with an exponent or a point it is a float, to be rounded.
  EXPECT_EQ(values_of<double>("9007199254740993.0", ElementType::F64)[0], 0x1p53);
  EXPECT_EQ(values_of<double>("1e300", ElementType::F64)[0], 1e300);
}

TEST(ValuesArgTest, IntegerTypesTakeTheirWholeRange) {
  EXPECT_EQ(values_of<std::int8_t>("-128,127", ElementType::I8),
            (std::vector<std::int8_t>{-128, 127}));
  EXPECT_EQ(values_of<std::uint64_t>("18446744073709551615", ElementType::U64)[0],
            std::numeric_limits<std::uint64_t>::max());
  EXPECT_NE(refusal("128", ElementType::I8).find("from -128 to 127"),
            std::string::npos);
  EXPECT_NE(refusal("1.5", ElementType::I64).find("is not an integer"),
            std::string::npos);
}

TEST(ValuesArgTest, WhatIsNoValueIsRefused) {
  for (const char* text :
       {"1,,2", ",", "1,", "abc", "nan(1)", "0x1p3", "1e400", "1_", "infinit", "1 2"})
    EXPECT_EQ(code_of(parse_values(text, ElementType::F64)), "bad_number") << text;
}

}  // namespace
}  // namespace tally::cli

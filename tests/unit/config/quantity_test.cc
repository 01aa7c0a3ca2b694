#include "config/quantity.h"

#include <gtest/gtest.h>

#include <cstdint>
#include <limits>
#include <string>

namespace tally::config {
namespace {

using std::chrono::nanoseconds;

TEST(BytesTest, EveryUnitScalesByItsPowerOfTwo) {
  EXPECT_EQ(*parse_bytes("0"), 0U);
  EXPECT_EQ(*parse_bytes("4096"), 4096U);
  EXPECT_EQ(*parse_bytes("7B"), 7U);
  EXPECT_EQ(*parse_bytes("2KiB"), 2048U);
  EXPECT_EQ(*parse_bytes("64MiB"), 67'108'864U);
  EXPECT_EQ(*parse_bytes("1GiB"), 1'073'741'824U);
  EXPECT_EQ(*parse_bytes("3TiB"), 3'298'534'883'328U);
}

TEST(BytesTest, TheLargestValueIsReadAndOneMoreIsNot) {
  EXPECT_EQ(*parse_bytes("18446744073709551615"),
            std::numeric_limits<std::uint64_t>::max());
  EXPECT_FALSE(parse_bytes("18446744073709551616"));
  EXPECT_EQ(*parse_bytes("16777215TiB"), std::uint64_t{16'777'215} << 40);
  EXPECT_FALSE(parse_bytes("16777216TiB"));
}

TEST(BytesTest, WhatIsNoQuantityIsRefused) {
  const std::string with_nul("1\0KiB", 5);
  for (const std::string& text :
       {std::string(), std::string("KiB"), std::string("-1"), std::string("+1"),
        std::string("1.5MiB"), std::string("1e3"), std::string(" 1"), std::string("1 "),
        std::string("1 KiB"), std::string("1kib"), std::string("1MB"),
        std::string("1KiBKiB"), std::string("0x10"), std::string("1_000"), with_nul}) {
    const auto parsed = parse_bytes(text);
    ASSERT_FALSE(parsed) << text;
    EXPECT_EQ(parsed.error().errc(), Errc::InvalidArgument) << text;
  }
}

TEST(BytesTest, TheRefusalNamesTheUnitAndWhatIsAccepted) {
  const auto parsed = parse_bytes("1MB");
  ASSERT_FALSE(parsed);
  EXPECT_NE(parsed.error().message().find("\"MB\" is not a unit"), std::string::npos);
  EXPECT_NE(parsed.error().message().find("MiB\""), std::string::npos);
}

TEST(DurationTest, EveryUnitScales) {
  EXPECT_EQ(*parse_duration("5ns"), nanoseconds(5));
  EXPECT_EQ(*parse_duration("5us"), nanoseconds(5'000));
  EXPECT_EQ(*parse_duration("250ms"), nanoseconds(250'000'000));
  EXPECT_EQ(*parse_duration("10s"), std::chrono::seconds(10));
  EXPECT_EQ(*parse_duration("10min"), std::chrono::minutes(10));
  EXPECT_EQ(*parse_duration("1h"), std::chrono::hours(1));
}

TEST(DurationTest, OnlyZeroNeedsNoUnit) {
  EXPECT_EQ(*parse_duration("0"), nanoseconds(0));
  const auto parsed = parse_duration("10");
  ASSERT_FALSE(parsed);
  EXPECT_NE(parsed.error().message().find("has no unit"), std::string::npos);
}

TEST(DurationTest, TheLargestValueIsReadAndOneMoreIsNot) {
  EXPECT_EQ(*parse_duration("9223372036854775807ns"), nanoseconds::max());
  EXPECT_FALSE(parse_duration("9223372036854775808ns"));
  EXPECT_TRUE(parse_duration("2562047h"));
  EXPECT_FALSE(parse_duration("2562048h"));
}

TEST(DurationTest, FormattingTakesTheLargestUnitAndReadsBack) {
  EXPECT_EQ(format_duration(nanoseconds(0)), "0s");
  EXPECT_EQ(format_duration(std::chrono::seconds(90)), "90s");
  EXPECT_EQ(format_duration(std::chrono::minutes(10)), "10min");
  EXPECT_EQ(format_duration(std::chrono::hours(168)), "168h");
  for (const std::int64_t count :
       {std::int64_t{1}, std::int64_t{999}, std::int64_t{1'000},
        std::int64_t{1'500'000}, std::int64_t{60'000'000'000},
        std::numeric_limits<std::int64_t>::max()})
    EXPECT_EQ(*parse_duration(format_duration(nanoseconds(count))), nanoseconds(count));
}

}  // namespace
}  // namespace tally::config

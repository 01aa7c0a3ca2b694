#include "runtime/source/number_text.h"

#include <gtest/gtest.h>

#include <cmath>
#include <limits>
#include <ostream>
#include <string>

namespace tally::source {

void PrintTo(NumberStatus status, std::ostream* out) {
  *out << "status " << static_cast<int>(status);
}

namespace {

using enum NumberStatus;
using namespace std::string_view_literals;

template <typename T>
NumberStatus status_of(std::string_view text) {
  T value = 42;
  const NumberStatus status = parse_number(text, value);
  EXPECT_TRUE(status == Ok || value == T{42}) << "a failure changed the value";
  return status;
}

template <typename T>
T value_of(std::string_view text) {
  T value{};
  EXPECT_EQ(parse_number(text, value), Ok) << text;
  return value;
}

TEST(NumberText, FloatsAreRoundedToTheNearest) {
  EXPECT_EQ(value_of<double>("0.1"), 0.1);
  EXPECT_EQ(value_of<double>("-2.5e-3"), -2.5e-3);
  EXPECT_EQ(value_of<double>("1E5"), 1e5);
  EXPECT_EQ(value_of<double>("5."), 5.0);
  EXPECT_EQ(value_of<double>(".5"), 0.5);
  EXPECT_EQ(value_of<double>("9007199254740993.0"), 9007199254740992.0);
  EXPECT_EQ(value_of<double>("4.9e-324"), std::numeric_limits<double>::denorm_min());
  EXPECT_EQ(value_of<double>("1.7976931348623157e308"),
            std::numeric_limits<double>::max());
  EXPECT_EQ(value_of<float>("0.1"), 0.1F);
}

TEST(NumberText, TooSmallIsZeroWithItsSign) {
  EXPECT_EQ(value_of<double>("1e-400"), 0.0);
  EXPECT_TRUE(std::signbit(value_of<double>("-1e-400")));
  EXPECT_TRUE(std::signbit(value_of<double>("-0")));
}

TEST(NumberText, TooLargeIsOverflowNotInfinity) {
  EXPECT_EQ(status_of<double>("1e400"), Overflow);
  EXPECT_EQ(status_of<double>("-1e309"), Overflow);
  EXPECT_EQ(status_of<double>("1.8e308"), Overflow);
  EXPECT_EQ(status_of<double>("1" + std::string(400, '0')), Overflow);
  EXPECT_EQ(status_of<float>("1e39"), Overflow);
}

TEST(NumberText, OneLeadingPlusIsAccepted) {
  EXPECT_EQ(value_of<double>("+1.5"), 1.5);
  EXPECT_EQ(value_of<double>("+inf"), std::numeric_limits<double>::infinity());
  EXPECT_EQ(value_of<std::int32_t>("+7"), 7);
  for (const char* text : {"++1", "+-1", "-+1", "+", "-", "--1", "+ 1"}) {
    EXPECT_EQ(status_of<double>(text), NotANumber) << text;
    EXPECT_EQ(status_of<std::int64_t>(text), NotANumber) << text;
    EXPECT_EQ(status_of<std::uint64_t>(text), NotANumber) << text;
  }
}

TEST(NumberText, NanAndInfinityInAnyCase) {
  for (const char* text : {"nan", "NaN", "NAN", "-nan"})
    EXPECT_TRUE(std::isnan(value_of<double>(text))) << text;
  for (const char* text : {"inf", "Inf", "INFINITY", "infinity"})
    EXPECT_EQ(value_of<double>(text), std::numeric_limits<double>::infinity()) << text;
  EXPECT_EQ(value_of<float>("-inf"), -std::numeric_limits<float>::infinity());
  for (const char* text : {"nan(1)", "nan(", "infinit", "inf1", "nanx"})
    EXPECT_EQ(status_of<double>(text), NotANumber) << text;
  EXPECT_EQ(status_of<std::int64_t>("nan"), NotANumber);
}

TEST(NumberText, TheWholeCellMustBeTheNumber) {
  for (const std::string_view text :
       {"12x"sv, "1e"sv, "1e+"sv, "1 2"sv, "0x10"sv, "1,5"sv, "1_000"sv, "."sv, "e5"sv,
        "1.2.3"sv, "abc"sv, "\n1"sv, "1\0"sv, "\0"sv, "1d"sv, "\v1"sv, "-.e1"sv})
    EXPECT_EQ(status_of<double>(text), NotANumber) << text;
}

TEST(NumberText, SpacesAndTabsAroundAreIgnored) {
  EXPECT_EQ(value_of<double>("  1.5\t"), 1.5);
  EXPECT_EQ(value_of<std::uint8_t>(" 255 "), 255);
}

TEST(NumberText, EmptyAndNaAreMissing) {
  for (const char* text : {"", "  ", "\t", "NA", " NA "}) {
    EXPECT_EQ(status_of<double>(text), Missing) << text;
    EXPECT_EQ(status_of<std::int8_t>(text), Missing) << text;
  }
  EXPECT_EQ(status_of<double>("na"), NotANumber);
  EXPECT_EQ(status_of<double>("N/A"), NotANumber);
}

TEST(NumberText, IntegerLiteralsThatFloatsCannotHoldAreInexact) {
  EXPECT_EQ(value_of<double>("9007199254740992"), 9007199254740992.0);
  EXPECT_EQ(status_of<double>("9007199254740993"), Inexact);
  EXPECT_EQ(status_of<double>("-9007199254740993"), Inexact);
  EXPECT_EQ(status_of<double>("+18446744073709551615"), Inexact);
  EXPECT_EQ(value_of<double>("18446744073709551616"), 18446744073709551616.0);
  EXPECT_EQ(value_of<double>("0009007199254740994"), 9007199254740994.0);
  EXPECT_EQ(value_of<double>("100000000000000000000"), 1e20);
  EXPECT_EQ(status_of<double>("100000000000000000001"), Inexact);
  // 1e23 is no double, though it prints as one; 1e22 is.
  EXPECT_EQ(status_of<double>("100000000000000000000000"), Inexact);
  EXPECT_EQ(value_of<double>("10000000000000000000000"), 1e22);
  EXPECT_EQ(value_of<float>("16777216"), 16777216.0F);
  EXPECT_EQ(status_of<float>("16777217"), Inexact);
}

TEST(NumberText, IntegersAreCheckedAgainstTheirRange) {
  EXPECT_EQ(value_of<std::int8_t>("-128"), -128);
  EXPECT_EQ(status_of<std::int8_t>("128"), Overflow);
  EXPECT_EQ(value_of<std::int64_t>("-9223372036854775808"),
            std::numeric_limits<std::int64_t>::min());
  EXPECT_EQ(status_of<std::int64_t>("9223372036854775808"), Overflow);
  EXPECT_EQ(value_of<std::uint64_t>("18446744073709551615"),
            std::numeric_limits<std::uint64_t>::max());
  EXPECT_EQ(status_of<std::uint64_t>("18446744073709551616"), Overflow);
  EXPECT_EQ(status_of<std::uint16_t>("-1"), Overflow);
  EXPECT_EQ(value_of<std::uint16_t>("-0"), 0);
  EXPECT_EQ(value_of<std::int32_t>("007"), 7);
}

TEST(NumberText, IntegersHaveNeitherPointNorExponent) {
  for (const char* text : {"5e8", "5.0", "5.", "1_000", "0x1", "--5", "-x"}) {
    EXPECT_EQ(status_of<std::int64_t>(text), NotANumber) << text;
    EXPECT_EQ(status_of<std::uint64_t>(text), NotANumber) << text;
  }
}

}  // namespace
}  // namespace tally::source

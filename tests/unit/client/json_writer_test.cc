#include "client/json_writer.h"

#include <gtest/gtest.h>

#include <cstdlib>
#include <limits>
#include <string>

namespace tally::client {
namespace {

std::string as_string(std::string_view text) {
  return JsonWriter().string(text).take();
}

TEST(JsonWriter, SeparatesFieldsAndElements) {
  JsonWriter json;
  json.begin_object().field("a", std::uint64_t{1}).key("b").begin_array();
  json.null().boolean(true).boolean(false).begin_object().end_object();
  json.begin_array().end_array().integer(-7).end_array();
  json.field("c", "d").end_object();
  EXPECT_EQ(json.text(), R"({"a": 1, "b": [null, true, false, {}, [], -7], "c": "d"})");
}

TEST(JsonWriter, EscapesWhatJsonForbids) {
  EXPECT_EQ(as_string("a\"b\\c/d"), R"("a\"b\\c/d")");
  EXPECT_EQ(as_string("\n\r\t"), R"("\n\r\t")");
  EXPECT_EQ(as_string(std::string_view("\0\x01\x1f\x7f", 4)),
            R"("\u0000\u0001\u001f\u007f")");
}

TEST(JsonWriter, EscapesTheControlCharactersThatJsonAllows) {
  EXPECT_EQ(as_string("\xC2\x80\xC2\x9B\xC2\xA0"), "\"\\u0080\\u009b\xC2\xA0\"");
}

TEST(JsonWriter, KeepsValidUtf8) {
  const std::string text = "\xC3\xA9 \xE2\x82\xAC \xF0\x9F\x98\x80 \xEF\xBF\xBF";
  EXPECT_EQ(as_string(text), "\"" + text + "\"");
}

TEST(JsonWriter, ReplacesBytesThatAreNoUtf8) {
  const std::string r = "\xEF\xBF\xBD";
  EXPECT_EQ(as_string("a\xFFz"), "\"a" + r + "z\"");
  EXPECT_EQ(as_string("\xC3"), "\"" + r + "\"") << "cut short";
  EXPECT_EQ(as_string("\xC3("), "\"" + r + "(\"") << "no continuation";
  EXPECT_EQ(as_string("\xC0\xAF"), "\"" + r + r + "\"") << "overlong";
  EXPECT_EQ(as_string("\xE0\x80\x80"), "\"" + r + r + r + "\"") << "overlong";
  EXPECT_EQ(as_string("\xED\xA0\x80"), "\"" + r + r + r + "\"") << "surrogate";
  EXPECT_EQ(as_string("\xF4\x90\x80\x80"), "\"" + r + r + r + r + "\"") << "too large";
}

TEST(JsonWriter, RealsAreShortAndReadBackTheSame) {
  EXPECT_EQ(real_text(1.0), "1.0");
  EXPECT_EQ(real_text(-0.0), "-0.0");
  EXPECT_EQ(real_text(0.1), "0.1");
  EXPECT_EQ(real_text(249999999.5), "249999999.5");
  EXPECT_EQ(real_text(0.1F), "0.1");
  for (const double value : {1e300, 5e-324, 1e22, 123456789012345680.0,
                             std::numeric_limits<double>::max()}) {
    EXPECT_EQ(std::strtod(real_text(value).c_str(), nullptr), value);
    EXPECT_NE(real_text(value).find_first_of(".e"), std::string::npos);
  }
}

TEST(JsonWriter, WhatIsNotFiniteIsAString) {
  constexpr double kInfinity = std::numeric_limits<double>::infinity();
  EXPECT_EQ(JsonWriter().real(kInfinity).take(), R"("Infinity")");
  EXPECT_EQ(JsonWriter().real(-kInfinity).take(), R"("-Infinity")");
  EXPECT_EQ(JsonWriter().real(std::numeric_limits<float>::quiet_NaN()).take(),
            R"("NaN")");
}

}  // namespace
}  // namespace tally::client

#include "runtime/source/excerpt.h"

#include <gtest/gtest.h>

namespace tally::source {
namespace {

using namespace std::string_view_literals;

TEST(Excerpt, PlainTextAndUtf8AreLeftAlone) {
  EXPECT_EQ(excerpt("12,5 kg"), "12,5 kg");
  EXPECT_EQ(excerpt("größe €"), "größe €");
  EXPECT_EQ(excerpt(""), "");
}

TEST(Excerpt, ControlBytesCannotReachATerminal) {
  EXPECT_EQ(excerpt("a\x1b[2J\0b\n"sv), "a\\x1b[2J\\x00b\\x0a");
  EXPECT_EQ(excerpt("\xC2\x9B"), "\\xc2\\x9b");
  EXPECT_EQ(excerpt("\x7F"), "\\x7f");
}

TEST(Excerpt, BytesThatAreNoUtf8AreShownAsNumbers) {
  EXPECT_EQ(excerpt("\x80"), "\\x80");
  EXPECT_EQ(excerpt("\xC0\xAF"), "\\xc0\\xaf");           // overlong
  EXPECT_EQ(excerpt("\xE0\x80\x80"), "\\xe0\\x80\\x80");  // overlong
  EXPECT_EQ(excerpt("\xED\xA0\x80"), "\\xed\\xa0\\x80");  // a surrogate
  EXPECT_EQ(excerpt("\xF4\x90\x80\x80"), "\\xf4\\x90\\x80\\x80");
  EXPECT_EQ(excerpt("\xE2\x82"), "\\xe2\\x82");  // cut off
}

TEST(Excerpt, LongTextIsCutBetweenCharacters) {
  EXPECT_EQ(excerpt(std::string(81, 'x')), std::string(80, 'x') + "…");
  EXPECT_EQ(excerpt(std::string(80, 'x')), std::string(80, 'x'));
  EXPECT_EQ(excerpt("abcä", 4), "abc…");
}

}  // namespace
}  // namespace tally::source

#include "ipc/base/printable.h"

#include <gtest/gtest.h>

namespace tally {
namespace {

using namespace std::string_view_literals;

TEST(Printable, PlainTextAndUtf8AreLeftAlone) {
  EXPECT_EQ(printable("12,5 kg"), "12,5 kg");
  EXPECT_EQ(printable("größe €"), "größe €");
  EXPECT_EQ(printable(""), "");
}

TEST(Printable, ControlBytesCannotReachATerminal) {
  EXPECT_EQ(printable("a\x1b[2J\0b\n"sv), "a\\x1b[2J\\x00b\\x0a");
  EXPECT_EQ(printable("\xC2\x9B"), "\\xc2\\x9b");
  EXPECT_EQ(printable("\x7F"), "\\x7f");
}

TEST(Printable, BytesThatAreNoUtf8AreShownAsNumbers) {
  EXPECT_EQ(printable("\x80"), "\\x80");
  EXPECT_EQ(printable("\xC0\xAF"), "\\xc0\\xaf");           // overlong
  EXPECT_EQ(printable("\xE0\x80\x80"), "\\xe0\\x80\\x80");  // overlong
  EXPECT_EQ(printable("\xED\xA0\x80"), "\\xed\\xa0\\x80");  // a surrogate
  EXPECT_EQ(printable("\xF4\x90\x80\x80"), "\\xf4\\x90\\x80\\x80");
  EXPECT_EQ(printable("\xE2\x82"), "\\xe2\\x82");  // cut off
}

TEST(Printable, LongTextIsCutBetweenCharacters) {
  EXPECT_EQ(printable(std::string(81, 'x'), 80), std::string(80, 'x') + "…");
  EXPECT_EQ(printable(std::string(80, 'x'), 80), std::string(80, 'x'));
  EXPECT_EQ(printable(std::string(81, 'x')), std::string(81, 'x'));
  EXPECT_EQ(printable("abcä", 4), "abc…");
}

TEST(Printable, LinesStayLines) {
  EXPECT_EQ(printable_lines("one\ntwo\x1b\n"), "one\ntwo\\x1b\n");
  EXPECT_EQ(printable_lines(""), "");
}

}  // namespace
}  // namespace tally

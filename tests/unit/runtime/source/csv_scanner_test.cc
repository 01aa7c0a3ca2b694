#include "runtime/source/csv_scanner.h"

#include <gtest/gtest.h>

#include <ostream>
#include <vector>

namespace tally::source {

void PrintTo(ScanStatus status, std::ostream* out) {
  *out << "status " << static_cast<int>(status);
}

namespace {

using enum ScanStatus;
using namespace std::string_view_literals;
using Fields = std::vector<std::string>;

struct Scanned {
  Scan scan;
  Fields fields;
};

Scanned scan_all(std::string_view text, bool at_end = true, char delimiter = ',') {
  // A copy of its own, so that a sanitizer sees a look past the end.
  const std::vector<char> copy(text.begin(), text.end());
  Scanned result;
  result.scan = scan_record({copy.data(), copy.size()}, at_end, delimiter,
                            [&result](std::uint32_t index, const Field& field) {
                              EXPECT_EQ(index, result.fields.size());
                              result.fields.push_back(unescaped(field));
                            });
  return result;
}

TEST(CsvScanner, SplitsAtDelimitersAndLineEnds) {
  const Scanned found = scan_all("a,bc,,d\nnext");
  EXPECT_EQ(found.scan.status, Record);
  EXPECT_EQ(found.fields, (Fields{"a", "bc", "", "d"}));
  EXPECT_EQ(found.scan.fields, 4U);
  EXPECT_EQ(found.scan.bytes, 8U);
  EXPECT_EQ(found.scan.lines, 1U);
}

TEST(CsvScanner, LongFieldsAreFoundBeyondOneVector) {
  const std::string field(100, 'x');
  EXPECT_EQ(scan_all(field + ";" + field + "\n", true, ';').fields,
            (Fields{field, field}));
}

TEST(CsvScanner, CrlfEndsARecordAndALoneCrDoesNot) {
  EXPECT_EQ(scan_all("a,b\r\n").fields, (Fields{"a", "b"}));
  EXPECT_EQ(scan_all("\"a\",\"b\"\r\nc").fields, (Fields{"a", "b"}));
  EXPECT_EQ(scan_all("a\rb,c\n").fields, (Fields{"a\rb", "c"}));
  EXPECT_EQ(scan_all("a,b\r").fields, (Fields{"a", "b"}));
  EXPECT_EQ(scan_all("\"a\"\r").fields, (Fields{"a"}));
}

TEST(CsvScanner, TheLastRecordNeedsNoLineEnd) {
  const Scanned found = scan_all("a,b");
  EXPECT_EQ(found.scan.status, Record);
  EXPECT_EQ(found.fields, (Fields{"a", "b"}));
  EXPECT_EQ(found.scan.lines, 0U);
  EXPECT_EQ(scan_all("a,").fields, (Fields{"a", ""}));
  EXPECT_EQ(scan_all("a,\"b\"").fields, (Fields{"a", "b"}));
}

TEST(CsvScanner, QuotedFieldsMayHoldAnything) {
  const Scanned found = scan_all("\"a,b\",\"c\r\nd\n\",\"say \"\"x\"\"\",\"\"\nz");
  EXPECT_EQ(found.scan.status, Record);
  EXPECT_EQ(found.fields, (Fields{"a,b", "c\r\nd\n", "say \"x\"", ""}));
  EXPECT_EQ(found.scan.lines, 3U);
  EXPECT_EQ(scan_all("\"\"\"\"\"\"\n").fields, (Fields{"\"\""}));
}

TEST(CsvScanner, NulBytesAreBytes) {
  EXPECT_EQ(scan_all("a\0b,c\n"sv).fields, (Fields{std::string("a\0b"sv), "c"}));
}

TEST(CsvScanner, AnEmptyLineIsBlankAndAnEmptyQuotedFieldIsNot) {
  EXPECT_EQ(scan_all("\nx").scan.status, Blank);
  EXPECT_EQ(scan_all("\nx").scan.bytes, 1U);
  EXPECT_EQ(scan_all("\r\nx").scan.status, Blank);
  EXPECT_EQ(scan_all("\r\nx").scan.bytes, 2U);
  EXPECT_EQ(scan_all("\"\"\nx").scan.status, Record);
  EXPECT_EQ(scan_all(",\nx").scan.status, Record);
  EXPECT_EQ(scan_all(" \nx").scan.status, Record);
  EXPECT_EQ(scan_all("").scan.status, End);
  EXPECT_EQ(scan_all("", false).scan.status, NeedMore);
}

TEST(CsvScanner, QuotesOutOfPlaceAreErrors) {
  const Scanned stray = scan_all("a,5\" pipe\n");
  EXPECT_EQ(stray.scan.status, StrayQuote);
  EXPECT_EQ(stray.scan.fields, 1U);
  EXPECT_EQ(scan_all("a, \"b\"\n").scan.status, StrayQuote);
  const Scanned after = scan_all("a,b,\"c\"d\n");
  EXPECT_EQ(after.scan.status, TextAfterQuote);
  EXPECT_EQ(after.scan.fields, 2U);
  EXPECT_EQ(scan_all("\"c\" \n").scan.status, TextAfterQuote);
  EXPECT_EQ(scan_all("\"c\"\rx\n").scan.status, TextAfterQuote);
}

TEST(CsvScanner, AnUnclosedQuoteIsToldWithTheLineItOpenedOn) {
  const Scanned found = scan_all("\"a\nb\",c,\"d\ne\n");
  EXPECT_EQ(found.scan.status, Unterminated);
  const Error error = scan_error(found.scan, "f.csv", 10);
  EXPECT_EQ(error.code(), "unterminated_quote");
  EXPECT_EQ(std::get<std::int64_t>(*error.field("line")), 11);
  EXPECT_EQ(std::get<std::int64_t>(*error.field("column")), 3);
  EXPECT_EQ(scan_all("\"").scan.status, Unterminated);
  EXPECT_EQ(scan_all("\"\"\"").scan.status, Unterminated);
}

// Every prefix of a record either says NeedMore or is the record itself: what is
// decided early can never be undone by what follows.
TEST(CsvScanner, APrefixNeverDecidesWhatTheRestCouldChange) {
  for (const std::string_view record :
       {"a,b,c\n"sv, "a,b\r\n"sv, "\"a\",\"b\"\"c\"\r\n"sv, "\"\"\n"sv, "\r\n"sv,
        "\"x\n\r\n,\",,\"\"\"\"\n"sv, ",,\n"sv}) {
    for (std::size_t length = 0; length < record.size(); ++length)
      EXPECT_EQ(scan_all(record.substr(0, length), false).scan.status, NeedMore)
          << record.substr(0, length);
    EXPECT_EQ(scan_all(record, false).fields, scan_all(record, true).fields);
    EXPECT_EQ(scan_all(record, false).scan.bytes, record.size());
  }
}

// All texts of up to seven bytes over the bytes that matter: the scanner always moves
// on, never counts beyond the text, and with more text gives the same answer.
TEST(CsvScanner, IsTotalOverAllShortTexts) {
  std::string text;
  std::size_t texts = 0;
  const auto check = [&](const auto& self) -> void {
    ++texts;
    const Scanned whole = scan_all(text);
    ASSERT_NE(whole.scan.status, NeedMore);
    ASSERT_LE(whole.scan.bytes, text.size());
    ASSERT_EQ(whole.scan.bytes == 0, text.empty()) << text;
    const Scanned open = scan_all(text, false);
    if (open.scan.status == Record || open.scan.status == Blank) {
      ASSERT_EQ(open.scan.bytes, whole.scan.bytes) << text;
      ASSERT_EQ(open.fields, whole.fields) << text;
      ASSERT_EQ(open.scan.lines, whole.scan.lines) << text;
    }
    if (text.size() == 7) return;
    for (const char byte : {'a', ',', '"', '\n', '\r'}) {
      text.push_back(byte);
      self(self);
      text.pop_back();
    }
  };
  check(check);
  EXPECT_EQ(texts, 97656U);
}

}  // namespace
}  // namespace tally::source

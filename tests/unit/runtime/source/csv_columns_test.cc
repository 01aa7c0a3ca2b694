#include "runtime/source/csv_columns.h"

#include "runtime/source/block_reader.h"
#include "tests/unit/runtime/source/pread_fake.h"
#include "tests/unit/runtime/source/test_files.h"

namespace tally::source {
namespace {

using test::field;
using test::file_of;
using test::says;
using Places = std::vector<std::uint32_t>;

Result<CsvColumns> find(std::string_view text,
                        const std::vector<std::string>& selectors,
                        model::CsvDialect dialect = {}) {
  const UniqueFd file = file_of(text);
  return find_csv_columns(file.get(), 0, text.size(), "f.csv", dialect, selectors);
}

constexpr model::CsvDialect kNoHeader{',', false};

TEST(CsvColumns, NamesWinOverNumbers) {
  const auto found = find("id,3,temp\n", {"temp", "3", "1", "2"});
  ASSERT_TRUE(found);
  EXPECT_EQ(found->places, (Places{2, 1, 0, 1}));
  EXPECT_EQ(found->fields, 3U);
}

TEST(CsvColumns, WithoutAHeaderOnlyNumbersCount) {
  EXPECT_EQ(find("7,8\n", {"2"}, kNoHeader)->places, Places{1});
  const auto found = find("7,8\n", {"7"}, kNoHeader);
  ASSERT_FALSE(found);
  EXPECT_EQ(found.error().code(), "unknown_column");
  EXPECT_TRUE(says(found.error(), "1 to 2")) << found.error().message();
}

TEST(CsvColumns, QuotedNamesMarkBlankLinesAndCrlf) {
  const auto found =
      find("\xEF\xBB\xBF\r\n\n\"temp, \"\"C\"\"\",b\r\n1,2\r\n", {"temp, \"C\"", "b"});
  ASSERT_TRUE(found) << found.error().message();
  EXPECT_EQ(found->places, (Places{0, 1}));
}

TEST(CsvColumns, AnUnknownColumnListsThoseThereAre) {
  const auto found = find("id,temp,rain\n", {"tmep"});
  ASSERT_FALSE(found);
  EXPECT_EQ(found.error().errc(), Errc::InvalidArgument);
  EXPECT_EQ(found.error().code(), "unknown_column");
  EXPECT_EQ(field(found.error(), "file"), "f.csv");
  EXPECT_EQ(field(found.error(), "column"), "tmep");
  EXPECT_TRUE(says(found.error(), "did you mean \"temp\"?")) << found.error().message();
  EXPECT_TRUE(says(found.error(), "id, temp, rain")) << found.error().message();
  EXPECT_FALSE(says(find("id,temp\n", {"zzzz"}).error(), "did you mean"));
  for (const char* number : {"0", "4", "-1", "1x", "99999999999999999999"})
    EXPECT_FALSE(find("a,b,c\n", {number})) << number;
}

TEST(CsvColumns, LongListsAreCutShort) {
  std::string header = "c1";
  for (int i = 2; i <= 500; ++i) header += ",c" + std::to_string(i);
  const auto found = find(header + "\n", {"nothing like it"});
  ASSERT_FALSE(found);
  EXPECT_TRUE(says(found.error(), "c20 and 480 more")) << found.error().message();
  EXPECT_LT(found.error().message().size(), 300U);
}

TEST(CsvColumns, ANameThatTwoColumnsHaveIsAmbiguous) {
  const auto found = find("a,b,a\n", {"a"});
  ASSERT_FALSE(found);
  EXPECT_EQ(found.error().code(), "ambiguous_column");
  EXPECT_EQ(find("a,b,a\n", {"3"})->places, Places{2});
}

TEST(CsvColumns, NoSelectorNeedsOneColumn) {
  EXPECT_EQ(find("a\n1\n", {""})->places, Places{0});
  const auto found = find("a,b\n", {""});
  ASSERT_FALSE(found);
  EXPECT_EQ(found.error().code(), "column_needed");
  EXPECT_TRUE(says(found.error(), "a, b"));
  EXPECT_EQ(find("1,2\n", {""}, kNoHeader).error().code(), "column_needed");
}

TEST(CsvColumns, AStarIsNoColumn) {
  EXPECT_EQ(find("a,b\n", {"*"})->places, Places{kNoColumn});
  EXPECT_EQ(find("", {"*"})->places, Places{kNoColumn});
}

TEST(CsvColumns, AFileWithoutRecordsHasNoNames) {
  for (const char* text : {"", "\n\r\n", "\xEF\xBB\xBF"}) {
    const auto found = find(text, {"temp"});
    ASSERT_FALSE(found);
    EXPECT_EQ(found.error().code(), "unknown_column");
    EXPECT_TRUE(says(found.error(), "is empty")) << found.error().message();
    EXPECT_EQ(find(text, {""})->fields, 0U);
    EXPECT_TRUE(find(text, {"3"}, kNoHeader));
  }
}

TEST(CsvColumns, ABrokenHeaderIsToldAsTheReaderWould) {
  EXPECT_EQ(find("a,\"b\n", {"a"}).error().code(), "unterminated_quote");
  EXPECT_EQ(find("a,b\"c\n", {"a"}).error().code(), "bad_csv");
  EXPECT_EQ(find(std::string(20 << 20, 'x'), {"a"}).error().code(), "record_too_long");
}

TEST(CsvColumns, OneReadForAShortHeader) {
  test::PreadFake fake;
  ASSERT_TRUE(find("a,b\n1,2\n" + std::string(100'000, '\n'), {"a"}));
  EXPECT_EQ(fake.calls, 1U);
}

TEST(CsvColumns, HeadersLongerThanOneRead) {
  std::string header = std::string(50'000, 'x');
  for (int i = 0; i < 10'000; ++i) header += ",n" + std::to_string(i);
  const auto found = find(header + "\n", {"n9999", "10001"});
  ASSERT_TRUE(found) << found.error().message();
  EXPECT_EQ(found->places, (Places{10'000, 10'000}));
}

}  // namespace
}  // namespace tally::source

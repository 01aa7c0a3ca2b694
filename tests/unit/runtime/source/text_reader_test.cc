#include "runtime/source/text_reader.h"

#include <cmath>
#include <cstring>
#include <limits>
#include <optional>
#include <random>

#include "runtime/source/number_text.h"
#include "runtime/source/plain_number.h"
#include "runtime/source/record_buffer.h"
#include "tests/unit/runtime/source/test_files.h"

namespace tally::source {
namespace {

using model::ElementType;
using model::MissingPolicy;
using test::field;
using test::file_of;
using test::says;

struct Options {
  ElementType type = ElementType::F64;
  MissingPolicy missing = MissingPolicy::Error;
  TextReaderOptions reader = {};
};

struct Read {
  std::vector<double> elements;
  std::vector<std::uint64_t> indices;
  std::uint64_t rows = 0;
  std::uint64_t missing = 0;
  std::vector<model::Span> spans;
  std::optional<Error> error;
};

void append(const Batch& batch, ElementType type, Read& read) {
  const reduce::Block& block = batch.columns.at(0);
  EXPECT_EQ(batch.rows, block.count + batch.missing.at(0));
  for (std::size_t i = 0; i < block.count; ++i) {
    read.indices.push_back(block.indices != nullptr ? block.indices[i]
                                                    : block.first_index + i);
    read.elements.push_back(model::with_type(type, [&](auto zero) {
      return static_cast<double>(static_cast<const decltype(zero)*>(block.data)[i]);
    }));
  }
  read.rows += batch.rows;
  read.missing += batch.missing[0];
}

Read read_text(const std::vector<std::string>& files, Options options = {}) {
  model::ChunkTask task;
  task.columns.resize(1);
  task.type = options.type;
  task.missing = options.missing;
  model::FilePieces pieces;
  pieces.format = model::FileFormat::Text;
  std::vector<UniqueFd> held;
  std::vector<int> descriptors;
  for (std::uint32_t i = 0; i < files.size(); ++i) {
    held.push_back(file_of(files[i]));
    descriptors.push_back(held.back().get());
    model::FilePiece& piece = pieces.pieces.emplace_back();
    piece.file = i;
    piece.name = "file" + std::to_string(i);
    piece.descriptor = i;
    piece.end = files[i].size();
  }
  Scratch scratch;
  const auto reader =
      open_text_reader(task, pieces, descriptors, scratch, options.reader);
  Read read;
  if (!reader) {
    read.error = reader.error();
    return read;
  }
  Batch batch;
  for (;;) {
    const auto more = (*reader)->next(batch);
    if (!more) read.error = more.error();
    if (!more || !*more) break;
    append(batch, options.type, read);
  }
  (*reader)->spans(read.spans);
  return read;
}

std::vector<double> elements_of(const std::string& text) {
  const Read read = read_text({text});
  EXPECT_FALSE(read.error) << read.error->message();
  return read.elements;
}

using Doubles = std::vector<double>;

TEST(TextReader, AnyWhiteSpaceSeparates) {
  EXPECT_EQ(elements_of("1 2\t3\n4\r\n5\v6\f7"), (Doubles{1, 2, 3, 4, 5, 6, 7}));
  EXPECT_EQ(elements_of("  \n\n 1 \n\n"), (Doubles{1}));
  EXPECT_EQ(elements_of("\xEF\xBB\xBF"
                        "8\n"),
            (Doubles{8}));
}

TEST(TextReader, WithoutWordsThereAreNoElements) {
  EXPECT_EQ(elements_of(""), Doubles{});
  EXPECT_EQ(elements_of(" \n \t\r\n"), Doubles{});
  EXPECT_EQ(read_text({" \n"}).spans, (std::vector<model::Span>{{0, 0, 2}}));
  EXPECT_TRUE(read_text({""}).spans.empty());
}

TEST(TextReader, EveryWayToWriteANumberIsRead) {
  EXPECT_EQ(
      elements_of("-1.5 +2 1e3 .5 5. 1E-3 -inf 123456789012345678e-10"),
      (Doubles{-1.5, 2, 1000, .5, 5, .001, -std::numeric_limits<double>::infinity(),
               123456789012345678e-10}));
  EXPECT_TRUE(std::isnan(elements_of("nan").at(0)));
  EXPECT_TRUE(std::signbit(elements_of("-0").at(0)));
}

TEST(TextReader, PlainNumbersHaveTheBitsOfAllOthers) {
  std::mt19937_64 random(42);
  for (int i = 0; i < 200'000; ++i) {
    const auto digits = static_cast<int>(random() % 17);
    std::string word = std::to_string(random()).substr(0, 1 + random() % 18);
    word = (random() % 2 == 0 ? "-" : "") + word;
    if (digits < 16) word.insert(word.size() - random() % word.size(), ".");
    double plain = 0;
    const char* const end = word.data() + word.size();
    if (plain_number(word.data(), end, plain) != end) continue;
    double expected = 0;
    ASSERT_EQ(parse_number(word, expected), NumberStatus::Ok) << word;
    ASSERT_EQ(std::memcmp(&plain, &expected, sizeof plain), 0) << word;
  }
}

TEST(TextReader, IntegersAreReadInTheirType) {
  Options options;
  options.type = ElementType::I64;
  EXPECT_EQ(read_text({"1 -2 +3"}, options).elements, (Doubles{1, -2, 3}));
  EXPECT_EQ(read_text({"1.5"}, options).error->code(), "bad_number");
  EXPECT_EQ(read_text({"9223372036854775808"}, options).error->code(),
            "number_overflow");
  options.type = ElementType::U8;
  EXPECT_EQ(read_text({"255 -0"}, options).elements, (Doubles{255, 0}));
  EXPECT_EQ(read_text({"256"}, options).error->code(), "number_overflow");
  EXPECT_EQ(read_text({"-1"}, options).error->code(), "number_overflow");
}

TEST(TextReader, FloatsAreRoundedOnce) {
  Options options;
  options.type = ElementType::F32;
  // Halfway between two floats, but for a part that a double cannot hold.
  const Read read = read_text({"1.00000005960464477540"}, options);
  EXPECT_EQ(read.elements, (Doubles{1.00000011920928955078125}));
}

TEST(TextReader, SameElementsWhereverReadsAndBatchesEnd) {
  std::string text = "\xEF\xBB\xBF";
  Doubles expected;
  for (int i = 0; i < 300; ++i) {
    expected.push_back(i * 1.25 - 100);
    text += std::to_string(expected.back()) + (i % 7 == 0 ? "\r\n" : "  ");
  }
  for (const std::size_t read_bytes : {1UL, 2UL, 3UL, 7UL, 64UL}) {
    for (const std::size_t batch : {1UL, 2UL, 5UL, 1000UL}) {
      const Read read =
          read_text({text, "", text},
                    {.reader = {.read_bytes = read_bytes, .batch_elements = batch}});
      ASSERT_FALSE(read.error) << read.error->message();
      Doubles twice = expected;
      twice.insert(twice.end(), expected.begin(), expected.end());
      EXPECT_EQ(read.elements, twice);
      EXPECT_EQ(read.indices.at(300), 0U);  // counted anew in each file
      EXPECT_EQ(read.indices.back(), 299U);
      EXPECT_EQ(read.spans,
                (std::vector<model::Span>{{0, 0, text.size()}, {2, 0, text.size()}}));
    }
  }
}

TEST(TextReader, ErrorsNameLineAndWord) {
  for (const std::size_t read_bytes : {std::size_t{2}, kReadBytes}) {
    for (const std::size_t batch : {1UL, 1000UL}) {
      const Read read =
          read_text({"1", "1 2\n\n3 4\n 5 6 seven 8\n"},
                    {.reader = {.read_bytes = read_bytes, .batch_elements = batch}});
      ASSERT_TRUE(read.error);
      EXPECT_EQ(read.error->code(), "bad_number");
      EXPECT_EQ(field(*read.error, "file"), "file1");
      EXPECT_EQ(field(*read.error, "line"), "4");
      EXPECT_EQ(field(*read.error, "column"), "3");
      EXPECT_EQ(field(*read.error, "text"), "seven");
      EXPECT_TRUE(says(*read.error, "file1, line 4, column 3: \"seven\" is not"));
    }
  }
}

TEST(TextReader, AWordThatLooksLikeCsvIsAnsweredWithAHint) {
  EXPECT_TRUE(says(*read_text({"1,2\n"}).error, "--format csv"));
  EXPECT_FALSE(says(*read_text({"one\n"}).error, "--format csv"));
}

TEST(TextReader, MissingNumbersAreErrorsOrSkipped) {
  const Read refused = read_text({"1 NA 3"});
  ASSERT_TRUE(refused.error);
  EXPECT_EQ(refused.error->code(), "missing_cell");
  EXPECT_TRUE(says(*refused.error, "--missing skip"));
  for (const std::size_t batch : {1UL, 2UL, 1000UL}) {
    const Read read = read_text(
        {"NA 1 2 NA NA 3 NA"},
        {.missing = MissingPolicy::Skip, .reader = {.batch_elements = batch}});
    ASSERT_FALSE(read.error);
    EXPECT_EQ(read.elements, (Doubles{1, 2, 3}));
    EXPECT_EQ(read.indices, (std::vector<std::uint64_t>{1, 2, 5}));
    EXPECT_EQ(read.missing, 4U);
    EXPECT_EQ(read.rows, 7U);
  }
}

TEST(TextReader, IntegersThatDoublesCannotHoldAreErrors) {
  EXPECT_EQ(elements_of("9007199254740992"), (Doubles{9007199254740992.0}));
  EXPECT_EQ(read_text({"9007199254740993"}).error->code(), "inexact_integer");
  EXPECT_EQ(read_text({"1e999"}).error->code(), "number_overflow");
}

TEST(TextReader, AFileWithoutWhiteSpaceIsRefusedSoon) {
  const std::string garbage(std::size_t{4} << 20, 'x');
  for (const std::string& text : {garbage, garbage + "\n", garbage + " 1\n"}) {
    const Read read = read_text({"7 8\n9 " + text});
    ASSERT_TRUE(read.error);
    EXPECT_EQ(read.error->code(), "number_too_long");
    EXPECT_EQ(field(*read.error, "line"), "2");
    EXPECT_EQ(field(*read.error, "column"), "2");
    EXPECT_LT(read.error->message().size(), 400U);
  }
  const std::string digits = "0." + std::string(kMaxWordBytes - 3, '0') + "1";
  EXPECT_EQ(elements_of(digits), (Doubles{0}));
}

TEST(TextReader, BytesThatAreNoTextComeOutReadable) {
  const Read read = read_text({std::string("\x00\xff\x1b[31m 1", 9)});
  ASSERT_TRUE(read.error);
  EXPECT_EQ(field(*read.error, "text"), "\\x00\\xff\\x1b[31m");
}

}  // namespace
}  // namespace tally::source

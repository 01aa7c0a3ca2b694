#include "runtime/source/csv_reader.h"

#include <cmath>
#include <optional>
#include <random>

#include "runtime/source/record_buffer.h"
#include "tests/unit/runtime/source/pread_fake.h"
#include "tests/unit/runtime/source/test_files.h"

namespace tally::source {
namespace {

using model::ElementType;
using model::MissingPolicy;
using test::field;
using test::file_of;
using test::says;

struct Options {
  std::vector<std::uint32_t> columns = {0};
  std::uint32_t fields = 0;
  bool header = false;
  char delimiter = ',';
  ElementType type = ElementType::F64;
  MissingPolicy missing = MissingPolicy::Error;
  CsvReaderOptions reader = {};
};

struct Column {
  std::vector<double> elements;
  std::vector<std::uint64_t> indices;
  std::uint64_t missing = 0;
  friend bool operator==(const Column&, const Column&) = default;
};

struct Read {
  std::uint64_t rows = 0;
  std::vector<Column> columns;
  std::vector<model::Span> spans;
  std::optional<Error> error;
};

void append(const reduce::Block& block, ElementType type, Column& column) {
  for (std::size_t i = 0; i < block.count; ++i) {
    column.indices.push_back(block.indices != nullptr ? block.indices[i]
                                                      : block.first_index + i);
    if (block.data == nullptr) continue;
    column.elements.push_back(model::with_type(type, [&](auto zero) {
      return static_cast<double>(static_cast<const decltype(zero)*>(block.data)[i]);
    }));
  }
  if (block.indices != nullptr && block.count != 0) {
    EXPECT_EQ(block.first_index, block.indices[0]);
  }
}

model::ChunkTask task_of(const Options& options,
                         const std::vector<std::string>& files) {
  model::ChunkTask task;
  task.type = options.type;
  task.missing = options.missing;
  task.columns.resize(options.columns.size());
  model::FilePieces pieces;
  pieces.format = model::FileFormat::Csv;
  pieces.csv = {options.delimiter, options.header};
  for (std::uint32_t i = 0; i < files.size(); ++i) {
    model::FilePiece piece;
    piece.file = i;
    piece.descriptor = i;
    piece.name = std::string("f").append(std::to_string(i)).append(".csv");
    piece.end = files[i].size();
    piece.columns = options.columns;
    piece.fields = options.fields;
    pieces.pieces.push_back(std::move(piece));
  }
  task.piece = std::move(pieces);
  return task;
}

Read read_files(const std::vector<std::string>& files, const Options& options = {}) {
  std::vector<UniqueFd> owned;
  std::vector<int> descriptors;
  for (const std::string& file : files) {
    owned.push_back(file_of(file));
    descriptors.push_back(owned.back().get());
  }
  const model::ChunkTask task = task_of(options, files);
  Read result;
  result.columns.resize(options.columns.size());
  Scratch scratch;
  const auto reader = open_csv_reader(task, std::get<model::FilePieces>(task.piece),
                                      descriptors, scratch, options.reader);
  if (!reader) {
    result.error = reader.error();
    return result;
  }
  Batch batch;
  for (;;) {
    const auto more = (*reader)->next(batch);
    if (!more) result.error = more.error();
    if (!more || !*more) break;
    EXPECT_GT(batch.rows, 0U);
    result.rows += batch.rows;
    for (std::size_t i = 0; i < options.columns.size(); ++i) {
      EXPECT_EQ(batch.columns[i].count + batch.missing[i], batch.rows);
      append(batch.columns[i], options.type, result.columns[i]);
      result.columns[i].missing += batch.missing[i];
    }
  }
  (*reader)->spans(result.spans);
  return result;
}

Read read(const std::string& text, const Options& options = {}) {
  return read_files({text}, options);
}

using Numbers = std::vector<double>;

TEST(CsvReader, OneColumnWithoutHeader) {
  const Read found = read("1\n2.5\n-3e2\n");
  EXPECT_EQ(found.rows, 3U);
  EXPECT_EQ(found.columns[0].elements, (Numbers{1, 2.5, -300}));
  EXPECT_EQ(found.columns[0].indices, (std::vector<std::uint64_t>{0, 1, 2}));
  EXPECT_EQ(found.spans, (std::vector<model::Span>{{0, 0, 11}}));
}

TEST(CsvReader, NamedColumnsInAnyOrderOthersUnread) {
  Options options{.columns = {3, 0, 3}, .header = true};
  const Read found = read("a,b,c,d\n1,\"x,\"\"y\",zz,4\n5,,,8\n", options);
  ASSERT_FALSE(found.error) << found.error->message();
  EXPECT_EQ(found.columns[0].elements, (Numbers{4, 8}));
  EXPECT_EQ(found.columns[1].elements, (Numbers{1, 5}));
  EXPECT_EQ(found.columns[2].elements, (Numbers{4, 8}));
}

TEST(CsvReader, ByteOrderMarkBlankLinesAndMixedLineEnds) {
  const std::string text = "\xEF\xBB\xBF\r\n\na,b\r\n1,2\n\r\n\n3,4\r\n\n5,6";
  for (std::size_t bytes = 1; bytes <= text.size() + 1; ++bytes) {
    const Read found = read(
        text,
        {.columns = {1}, .fields = 2, .header = true, .reader = {.read_bytes = bytes}});
    ASSERT_FALSE(found.error) << found.error->message();
    EXPECT_EQ(found.columns[0].elements, (Numbers{2, 4, 6})) << bytes;
    EXPECT_EQ(found.spans, (std::vector<model::Span>{{0, 0, text.size()}}));
  }
}

TEST(CsvReader, AByteOrderMarkAloneIsNoRow) {
  EXPECT_EQ(read("\xEF\xBB\xBF").rows, 0U);
  EXPECT_EQ(read("\xEF\xBB\xBF"
                 "7")
                .columns[0]
                .elements,
            (Numbers{7}));
}

TEST(CsvReader, EmptyFilesHaveNoRowsAndNoSpan) {
  const Read found = read("", {.header = true});
  EXPECT_FALSE(found.error);
  EXPECT_EQ(found.rows, 0U);
  EXPECT_TRUE(found.spans.empty());
  EXPECT_EQ(read("a,b\n", {.header = true}).rows, 0U);
  EXPECT_EQ(read("\n\n").spans, (std::vector<model::Span>{{0, 0, 2}}));
}

TEST(CsvReader, RowsAndLinesStartAnewInEachFile) {
  const Options options{.header = true};
  const Read found = read_files({"a\n1\n2\n", "", "a\n3\n"}, options);
  EXPECT_EQ(found.columns[0].elements, (Numbers{1, 2, 3}));
  EXPECT_EQ(found.columns[0].indices, (std::vector<std::uint64_t>{0, 1, 0}));
  EXPECT_EQ(found.spans, (std::vector<model::Span>{{0, 0, 6}, {2, 0, 4}}));
  const Read failed = read_files({"a\n1\n2\n", "a\nx\n"}, options);
  ASSERT_TRUE(failed.error);
  EXPECT_EQ(field(*failed.error, "file"), "f1.csv");
  EXPECT_EQ(field(*failed.error, "line"), "2");
}

TEST(CsvReader, QuotedNumbersAreNumbers) {
  EXPECT_EQ(read("\"1\"\n\" 2 \"\r\n\"+3\"").columns[0].elements, (Numbers{1, 2, 3}));
}

TEST(CsvReader, OtherDelimiters) {
  EXPECT_EQ(read("1;2\n3;4\n", {.columns = {1}, .delimiter = ';'}).columns[0].elements,
            (Numbers{2, 4}));
  EXPECT_EQ(
      read("1\t2\n3\t4\n", {.columns = {1}, .delimiter = '\t'}).columns[0].elements,
      (Numbers{2, 4}));
}

TEST(CsvReader, EveryElementTypeIsParsedAsItself) {
  for (std::uint8_t number = 1; number <= model::kLastElementType; ++number) {
    const auto type = static_cast<ElementType>(number);
    EXPECT_EQ(read("1\n+2\n100\n", {.type = type}).columns[0].elements,
              (Numbers{1, 2, 100}))
        << model::name_of(type);
  }
}

void expect_error(const Read& found, const std::string& code, const std::string& line,
                  const std::string& column, const std::string& text) {
  ASSERT_TRUE(found.error) << code;
  EXPECT_EQ(found.error->errc(), Errc::InvalidData);
  EXPECT_EQ(found.error->code(), code) << found.error->message();
  EXPECT_EQ(field(*found.error, "file"), "f0.csv");
  EXPECT_EQ(field(*found.error, "line"), line);
  EXPECT_EQ(field(*found.error, "column"), column);
  EXPECT_EQ(field(*found.error, "text"), text);
}

TEST(CsvReader, CellsThatAreNoNumberAreNamedWithTheirPlace) {
  const Options second{.columns = {1}};
  expect_error(read("1,2\n3,x y\n", second), "bad_number", "2", "2", "x y");
  expect_error(read("1,2\n3,\"a\"\"b\"\n", second), "bad_number", "2", "2", "a\"b");
  expect_error(read("1,1e400\n", second), "number_overflow", "1", "2", "1e400");
  expect_error(read("1,9007199254740993\n", second), "inexact_integer", "1", "2",
               "9007199254740993");
  expect_error(read("1,300\n", {.columns = {1}, .type = ElementType::U8}),
               "number_overflow", "1", "2", "300");
  const Read integer = read("5e8\n", {.type = ElementType::I64});
  expect_error(integer, "bad_number", "1", "1", "5e8");
  EXPECT_TRUE(says(*integer.error, "i64")) << integer.error->message();
  EXPECT_TRUE(says(*read("9007199254740993\n").error, "--dtype i64"));
}

TEST(CsvReader, ACellsTextIsBoundedInTheMessage) {
  const Read found = read(std::string(1000, 'x') + "\n");
  expect_error(found, "bad_number", "1", "1", std::string(80, 'x') + "…");
}

TEST(CsvReader, TheLineIsThePhysicalOneTheRecordStartsOn) {
  const Options second{.columns = {1}};
  expect_error(read("\n\"a\r\nb\n\",1\n\n\"c\nd\",x\n", second), "bad_number", "6", "2",
               "x");
}

TEST(CsvReader, TheFirstErrorInFileOrderIsTold) {
  const Options swapped{.columns = {1, 0}};
  expect_error(read("x,y\n", swapped), "bad_number", "1", "1", "x");
  expect_error(read("1,2\n3,y\nx,4\n5\n", swapped), "bad_number", "2", "2", "y");
}

TEST(CsvReader, RaggedRowsAreErrors) {
  for (const char* text : {"1,2\n3\n", "1,2\n3,4,5\n"}) {
    const Read found = read(text);
    expect_error(found, "ragged_row", "2", "(none)", "(none)");
    EXPECT_EQ(field(*found.error, "expected_fields"), "2");
  }
  // The header counts, and so does a width found beforehand.
  EXPECT_EQ(read("a,b\n1\n", {.header = true}).error->code(), "ragged_row");
  EXPECT_EQ(read("1\n", {.fields = 2}).error->code(), "ragged_row");
  EXPECT_EQ(read("a\n1\n", {.fields = 2, .header = true}).error->code(), "ragged_row");
}

TEST(CsvReader, BrokenQuotesAreErrors) {
  expect_error(read("1,2\n3,\"4\n5\n"), "unterminated_quote", "2", "2", "(none)");
  expect_error(read("1,2\n3,\"4\"5\n"), "bad_csv", "2", "2", "(none)");
  expect_error(read("1,2\n3,4\"5\n"), "bad_csv", "2", "2", "(none)");
}

TEST(CsvReader, MissingCellsAreErrorsByDefault) {
  const Options second{.columns = {1}};
  expect_error(read("1,2\n3,\n", second), "missing_cell", "2", "2", "");
  expect_error(read("1,2\n3,\"\"\n", second), "missing_cell", "2", "2", "");
  expect_error(read("1,2\n3, NA \n", second), "missing_cell", "2", "2", " NA ");
  // Where nobody looks nothing is missing.
  EXPECT_FALSE(read("1,\n3,4\n").error);
}

TEST(CsvReader, SkippedCellsAreCountedAndIndicesStayTrue) {
  const Options skip{.columns = {0, 1}, .missing = MissingPolicy::Skip};
  const Read found = read("1,\n2,5\n,6\nNA,7\n3,\"\"\n", skip);
  ASSERT_FALSE(found.error);
  EXPECT_EQ(found.rows, 5U);
  EXPECT_EQ(found.columns[0], (Column{{1, 2, 3}, {0, 1, 4}, 2}));
  EXPECT_EQ(found.columns[1], (Column{{5, 6, 7}, {1, 2, 3}, 2}));
}

TEST(CsvReader, AColumnOfOnlyMissingCellsHasNoElements) {
  const Read found =
      read("a\n\"\"\nNA\n", {.header = true, .missing = MissingPolicy::Skip});
  EXPECT_EQ(found.rows, 2U);
  EXPECT_EQ(found.columns[0], (Column{{}, {}, 2}));
}

TEST(CsvReader, NanIsAValueAndNotMissing) {
  const Read found = read("nan\n", {.missing = MissingPolicy::Skip});
  ASSERT_EQ(found.columns[0].elements.size(), 1U);
  EXPECT_TRUE(std::isnan(found.columns[0].elements[0]));
}

TEST(CsvReader, WithoutAColumnRowsAreCountedAndCellsUnread) {
  const Options none{.columns = {kNoColumn}, .header = true};
  const Read found = read("a,b\nx,\n,y\n", none);
  ASSERT_FALSE(found.error) << found.error->message();
  EXPECT_EQ(found.rows, 2U);
  EXPECT_EQ(found.columns[0].indices.size(), 2U);
  EXPECT_EQ(read("a,b\nx\n", none).error->code(), "ragged_row");
}

TEST(CsvReader, LongRecordsCrossManyBuffers) {
  const std::string filler(100'000, 'x');
  std::string text;
  for (int row = 0; row < 5; ++row)
    text += "\"" + filler + "\n,\"," + std::to_string(row) + "\n";
  const Read found = read(text, {.columns = {1}, .reader = {.read_bytes = 1000}});
  ASSERT_FALSE(found.error) << found.error->message();
  EXPECT_EQ(found.columns[0].elements, (Numbers{0, 1, 2, 3, 4}));
}

TEST(CsvReader, ARecordOverTheLimitIsAnErrorWhateverTheBuffer) {
  const std::string most = std::string(kMaxRecordBytes - 3, 'x') + ",1\n";
  const Options second{.columns = {1}};
  EXPECT_EQ(read("y,0\n" + most + "z,2\n", second).columns[0].elements,
            (Numbers{0, 1, 2}));
  for (const std::size_t bytes : {kReadBytes, kMaxRecordBytes * 2}) {
    const Read found =
        read("y,0\nx" + most, {.columns = {1}, .reader = {.read_bytes = bytes}});
    expect_error(found, "record_too_long", "2", "(none)", "(none)");
  }
  const Read quoted = read("y,0\n\"" + most + "z,2\n", second);
  expect_error(quoted, "record_too_long", "2", "(none)", "(none)");
  EXPECT_TRUE(says(*quoted.error, "opens on line 2")) << quoted.error->message();
}

TEST(CsvReader, AShrunkFileIsAnError) {
  const UniqueFd file = file_of("1\n2\n3\n");
  const model::ChunkTask task = task_of({}, {"1\n2\n3\n4\n"});
  Scratch scratch;
  const int descriptor = file.get();
  const auto reader = open_reader(task, {&descriptor, 1}, scratch);
  ASSERT_TRUE(reader);
  Batch batch;
  const auto more = (*reader)->next(batch);
  ASSERT_FALSE(more);
  EXPECT_EQ(more.error().code(), "file_shrank");
}

TEST(CsvReader, OneReadForEveryFullBuffer) {
  std::string text;
  while (text.size() < kReadBytes) text += "1\n";
  for (const auto& [size, reads] :
       {std::pair<std::size_t, std::size_t>{2, 1}, {kReadBytes, 1}}) {
    test::PreadFake fake;
    EXPECT_EQ(read(text.substr(0, size)).rows, size / 2);
    EXPECT_EQ(fake.calls, reads) << size;
  }
  test::PreadFake fake;
  EXPECT_EQ(read(text + text + "2\n").rows, text.size() + 1);
  EXPECT_EQ(fake.calls, 3U);
}

TEST(CsvReader, TasksThatDoNotFitAreOurBug) {
  EXPECT_EQ(read("1,2\n", {.columns = {2}}).error->errc(), Errc::Internal);
  EXPECT_EQ(read("1,2\n", {.columns = {2}, .fields = 2}).error->errc(), Errc::Internal);
  model::ChunkTask task = task_of({.columns = {kNoColumn}}, {"1\n"});
  task.columns[0].families = {model::Family::Sum};
  const int descriptor = 0;
  Scratch scratch;
  EXPECT_EQ(open_reader(task, {&descriptor, 1}, scratch).error().errc(),
            Errc::Internal);
}

// A random file with every feature, and what must come out of it.
struct Sample {
  std::string text;
  Column column;
  std::uint64_t rows = 0;
};

Sample random_sample(std::mt19937& random) {
  static constexpr const char* kOthers[] = {"",
                                            "x",
                                            "\"\"",
                                            "\"a,b\"",
                                            "\"\"\"\"",
                                            "\"l1\nl2\r\n\"",
                                            "long text without quotes",
                                            "\"q\"\"q\""};
  static constexpr const char* kEnds[] = {"\n", "\r\n", "\n\n", "\r\n\r\n\n"};
  Sample sample;
  const std::size_t rows = random() % 12;
  for (std::size_t row = 0; row < rows; ++row) {
    sample.text.append(kOthers[random() % 8]).append(",");
    const auto value = static_cast<int>(random() % 2000) - 1000;
    switch (random() % 4) {
      case 0:
        sample.text += random() % 2 == 0 ? "" : "\"NA\"";
        ++sample.column.missing;
        break;
      case 1:
        sample.text.append(1, '"').append(std::to_string(value)).append(1, '"');
        [[fallthrough]];
      default:
        if (sample.text.back() != '"') sample.text += std::to_string(value);
        sample.column.elements.push_back(value);
        sample.column.indices.push_back(row);
    }
    sample.text.append(",").append(kOthers[random() % 8]);
    const bool last = row + 1 == rows;
    if (!last || random() % 2 == 0) sample.text += kEnds[random() % 4];
  }
  sample.rows = rows;
  return sample;
}

TEST(CsvReader, BufferEdgesAndBatchSizesChangeNothing) {
  std::mt19937 random(7);
  for (int round = 0; round < 150; ++round) {
    const Sample sample = random_sample(random);
    for (std::size_t bytes = 1; bytes <= sample.text.size() + 1;
         bytes += 1 + bytes / 8) {
      const Options options{
          .columns = {1},
          .missing = MissingPolicy::Skip,
          .reader = {.read_bytes = bytes, .batch_rows = 1 + random() % 4}};
      const Read found = read(sample.text, options);
      ASSERT_FALSE(found.error) << found.error->message() << "\n" << sample.text;
      ASSERT_EQ(found.rows, sample.rows) << sample.text;
      ASSERT_EQ(found.columns[0], sample.column) << sample.text;
    }
  }
}

TEST(CsvReader, BufferEdgesDoNotMoveErrors) {
  const std::string text = "a,b\n1,2\r\n\"x\ny\",3\n\n4,\"5\n6\"\n7,8\n";
  for (std::size_t bytes = 1; bytes <= text.size() + 1; ++bytes)
    expect_error(
        read(text, {.columns = {1}, .header = true, .reader = {.read_bytes = bytes}}),
        "bad_number", "6", "2", "5\\x0a6");
}

}  // namespace
}  // namespace tally::source

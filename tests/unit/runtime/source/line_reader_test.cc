#include "runtime/source/line_reader.h"

#include <map>
#include <optional>

#include "runtime/source/csv_reader.h"
#include "runtime/source/leaves.h"
#include "runtime/source/record_buffer.h"
#include "runtime/source/text_reader.h"
#include "tests/unit/runtime/source/test_files.h"

namespace tally::source {
namespace {

using test::field;
using test::file_of;

using Lines = std::vector<std::string>;

struct Read {
  Lines lines;
  std::vector<std::uint64_t> first_rows;  // of batches
  std::vector<std::uint64_t> leaves;      // of batches
  std::vector<std::uint64_t> counts;
  std::vector<model::Span> spans;
  std::uint64_t extent = 0;
  std::optional<Error> error;
};

Read read_all(BlockReader& reader, bool text) {
  Read read;
  Batch batch;
  for (;;) {
    const Result<bool> more = reader.next(batch);
    if (!more) {
      read.error = more.error();
      return read;
    }
    if (!*more) break;
    const reduce::Block& block = batch.columns.at(0);
    EXPECT_EQ(block.count + batch.missing.at(0), batch.rows);
    for (std::size_t i = 0; text && i < block.count; ++i) {
      const TextCell& cell = static_cast<const TextCell*>(block.data)[i];
      read.lines.emplace_back(cell.data, cell.size);
    }
    read.first_rows.push_back(batch.first_row);
    read.leaves.push_back(batch.leaf.value_or(999));
    read.counts.push_back(batch.rows);
    read.extent += batch.extent;
  }
  reader.spans(read.spans);
  return read;
}

model::FilePieces pieces_of(const std::string& text, model::FileFormat format) {
  model::FilePieces pieces;
  pieces.format = format;
  model::FilePiece& piece = pieces.pieces.emplace_back();
  piece.name = "a.txt";
  piece.end = text.size();
  return pieces;
}

Read read_lines(const std::string& text, LineReaderOptions options = {}) {
  const UniqueFd file = file_of(text);
  const model::FilePieces pieces = pieces_of(text, model::FileFormat::Text);
  const std::vector<int> descriptors{file.get()};
  Scratch scratch;
  const auto reader = open_line_reader(pieces, descriptors, scratch, options);
  return read_all(*reader, true);
}

// A task with a kernel, as far as readers look at it.
model::ChunkTask kernel_task(bool text) {
  model::ChunkTask task;
  task.columns.resize(1);
  task.columns[0].text = text;
  task.kernels.emplace_back();
  return task;
}

TEST(LineReader, LinesAreTheSameWhereverReadsAndBatchesEnd) {
  const std::string text = "one\n\ntwo three\r\n\r\nfour\rfive\nlast";
  const Lines expected{"one", "", "two three", "", "four\rfive", "last"};
  for (const std::size_t bytes : {1UL, 2UL, 3UL, 7UL, 4096UL}) {
    for (const std::size_t lines : {1UL, 2UL, 5UL, 4096UL}) {
      const Read read = read_lines(text, {bytes, lines});
      ASSERT_FALSE(read.error);
      EXPECT_EQ(read.lines, expected) << bytes << " " << lines;
      EXPECT_EQ(read.extent, text.size());
      EXPECT_EQ(read.spans, (std::vector<model::Span>{{0, 0, text.size()}}));
    }
  }
}

TEST(LineReader, ALineEndAtTheEndIsNoLineMore) {
  EXPECT_EQ(read_lines("a\n").lines, (Lines{"a"}));
  EXPECT_EQ(read_lines("a").lines, (Lines{"a"}));
  EXPECT_EQ(read_lines("\n").lines, (Lines{""}));
  EXPECT_EQ(read_lines("").lines, Lines{});
  EXPECT_EQ(read_lines("a\r").lines, (Lines{"a\r"}));
}

TEST(LineReader, AMarkAtTheStartIsSkippedAndAnyByteIsText) {
  const std::string nul("a\0b", 3);
  EXPECT_EQ(read_lines("\xEF\xBB\xBF" + nul + "\n\xFF\n", {1, 10}).lines,
            (Lines{nul, "\xFF"}));
  EXPECT_EQ(read_lines("\xEF\xBB\n").lines, (Lines{"\xEF\xBB"}));
}

TEST(LineReader, ABatchIsOfOneLeaf) {
  // A line that ends right before the border, and one that begins on it.
  const std::string text = std::string(kLeafBytes - 1, 'a') + "\nb\n" +
                           std::string(kLeafBytes, 'c') + "\nd\n";
  const Read read = read_lines(text);
  std::map<std::uint64_t, std::uint64_t> rows;
  for (std::size_t i = 0; i < read.leaves.size(); ++i)
    rows[read.leaves[i]] += read.counts[i];
  EXPECT_EQ(rows, (std::map<std::uint64_t, std::uint64_t>{{0, 1}, {1, 2}, {2, 1}}));
  EXPECT_EQ(read.first_rows.back(), 3U);
}

TEST(LineReader, ALineWithoutEndIsRefused) {
  const Read read = read_lines("ok\n" + std::string(kMaxRecordBytes + 1, 'x'));
  ASSERT_TRUE(read.error);
  EXPECT_EQ(read.error->code(), "line_too_long");
  EXPECT_EQ(field(*read.error, "line"), "2");
  EXPECT_EQ(field(*read.error, "file"), "a.txt");
}

TEST(TextReaderWithKernels, EndsABatchWhereAWordIsOfTheNextLeaf) {
  std::string text;
  while (text.size() < kLeafBytes - 3) text += "1234567 ";
  const std::uint64_t first_leaf = text.size() / 8;
  text += "9 9 9 9 9 9";
  const UniqueFd file = file_of(text);
  model::ChunkTask task = kernel_task(false);
  const model::FilePieces pieces = pieces_of(text, model::FileFormat::Text);
  const std::vector<int> descriptors{file.get()};
  Scratch scratch;
  const auto reader = open_text_reader(task, pieces, descriptors, scratch);
  ASSERT_TRUE(reader);
  const Read read = read_all(**reader, false);
  std::uint64_t of_first = 0;
  for (std::size_t i = 0; i < read.leaves.size(); ++i)
    if (read.leaves[i] == 0) of_first += read.counts[i];
  EXPECT_EQ(text.size() > kLeafBytes, read.leaves.back() == 1);
  // Those that begin before the border: each 2 bytes apart.
  const std::uint64_t before = (kLeafBytes - 8 * first_leaf + 1) / 2;
  EXPECT_EQ(of_first, first_leaf + before);
}

TEST(CsvReaderWithKernels, GivesCellsAsTheyWereMeantWhereverReadsEnd) {
  const std::string text = "n\nplain\n\"a \"\"b\"\", c\"\n\"\"\n\"two\nlines\"\n";
  const Lines expected{"plain", "a \"b\", c", "", "two\nlines"};
  const UniqueFd file = file_of(text);
  const std::vector<int> descriptors{file.get()};
  for (const std::size_t bytes : {1UL, 2UL, 5UL, 4096UL}) {
    for (const std::size_t rows : {1UL, 3UL, 4096UL}) {
      model::ChunkTask task = kernel_task(true);
      model::FilePieces pieces = pieces_of(text, model::FileFormat::Csv);
      pieces.csv.header = true;
      pieces.pieces[0].columns = {0};
      Scratch scratch;
      const auto reader =
          open_csv_reader(task, pieces, descriptors, scratch, {bytes, rows});
      ASSERT_TRUE(reader);
      const Read read = read_all(**reader, true);
      ASSERT_FALSE(read.error) << read.error->message();
      EXPECT_EQ(read.lines, expected) << bytes << " " << rows;
    }
  }
}

TEST(CsvReaderWithKernels, AnEmptyCellIsMissingAndAnEmptyTextIsNot) {
  const std::string text = "a,x\n,x\n\"\",x\nNA,x\n";
  const UniqueFd file = file_of(text);
  const std::vector<int> descriptors{file.get()};
  for (const bool skip : {false, true}) {
    model::ChunkTask task = kernel_task(true);
    if (skip) task.missing = model::MissingPolicy::Skip;
    model::FilePieces pieces = pieces_of(text, model::FileFormat::Csv);
    pieces.csv.header = false;
    pieces.pieces[0].columns = {0};
    Scratch scratch;
    const auto reader = open_csv_reader(task, pieces, descriptors, scratch);
    ASSERT_TRUE(reader);
    const Read read = read_all(**reader, true);
    if (skip) {
      EXPECT_EQ(read.lines, (Lines{"a", "", "NA"}));
    } else {
      ASSERT_TRUE(read.error);
      EXPECT_EQ(read.error->code(), "missing_cell");
      EXPECT_EQ(field(*read.error, "line"), "2");
    }
  }
}

TEST(AliasedMemory, ShowsTheSameBytesAndKeepsThemWhenItGrows) {
  AliasedMemory memory;
  ASSERT_TRUE(memory.reserve(10));
  memory.writable()[9] = std::byte{7};
  EXPECT_EQ(memory.readable()[9], std::byte{7});
  const std::size_t size = memory.size();
  ASSERT_TRUE(memory.reserve(size + 1));
  EXPECT_GT(memory.size(), size);
  EXPECT_EQ(memory.readable()[9], std::byte{7});
  AliasedMemory moved = std::move(memory);
  EXPECT_EQ(moved.readable()[9], std::byte{7});
}

}  // namespace
}  // namespace tally::source

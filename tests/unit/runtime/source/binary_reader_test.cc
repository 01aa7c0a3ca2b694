#include "runtime/source/binary_reader.h"

#include <numeric>

#include "runtime/source/positioned_read.h"
#include "tests/unit/runtime/source/pread_fake.h"
#include "tests/unit/runtime/source/test_files.h"

namespace tally::source {
namespace {

using test::bytes_of;
using test::file_of;

template <typename T>
std::vector<T> ramp(std::size_t count) {
  std::vector<T> values(count);
  std::iota(values.begin(), values.end(), T{});
  return values;
}

model::ChunkTask task_of(model::ElementType type,
                         std::vector<model::FilePiece> pieces) {
  model::ChunkTask task;
  task.type = type;
  task.columns.resize(1);
  task.piece = model::FilePieces{model::FileFormat::Raw, {}, std::move(pieces)};
  return task;
}

model::FilePiece piece_of(std::uint32_t file, std::uint64_t offset, std::uint64_t begin,
                          std::uint64_t end) {
  model::FilePiece piece;
  piece.file = file;
  piece.descriptor = file;
  piece.name = "file " + std::to_string(file);
  piece.data_offset_bytes = offset;
  piece.begin = begin;
  piece.end = end;
  return piece;
}

struct Read {
  std::vector<double> elements;
  std::vector<std::uint32_t> files;      // of each block
  std::vector<std::uint64_t> positions;  // of each block
  std::vector<model::Span> spans;
  std::optional<Error> error;
};

Read read_doubles(const model::ChunkTask& task, const std::vector<int>& descriptors) {
  Scratch scratch;
  Read result;
  const auto reader = open_reader(task, descriptors, scratch);
  if (!reader) {
    result.error = reader.error();
    return result;
  }
  Batch batch;
  for (;;) {
    const auto more = (*reader)->next(batch);
    if (!more) result.error = more.error();
    if (!more || !*more) break;
    EXPECT_EQ(batch.columns.size(), 1U);
    const reduce::Block& block = batch.columns[0];
    EXPECT_EQ(batch.rows, block.count);
    EXPECT_EQ(batch.missing, std::vector<std::uint64_t>{0});
    EXPECT_EQ(reinterpret_cast<std::uintptr_t>(block.data) % 8, 0U);
    const auto* data = static_cast<const double*>(block.data);
    result.elements.insert(result.elements.end(), data, data + block.count);
    result.files.push_back(block.file);
    result.positions.push_back(block.first_index);
  }
  EXPECT_EQ(batch.rows, result.error ? batch.rows : 0);
  (*reader)->spans(result.spans);
  return result;
}

TEST(BinaryReader, ReadsThePieceAndNothingElse) {
  const auto values = ramp<double>(100);
  const UniqueFd file = file_of("header.." + bytes_of(values));
  const Read read = read_doubles(
      task_of(model::ElementType::F64, {piece_of(0, 8, 10, 20)}), {file.get()});
  EXPECT_EQ(read.elements,
            std::vector<double>(values.begin() + 10, values.begin() + 20));
  EXPECT_EQ(read.positions, std::vector<std::uint64_t>{10});
  EXPECT_EQ(read.spans, (std::vector<model::Span>{{0, 10, 20}}));
}

TEST(BinaryReader, AnOddOffsetStillGivesAlignedElements) {
  const auto values = ramp<double>(5);
  const UniqueFd file = file_of("abc" + bytes_of(values));
  const Read read = read_doubles(
      task_of(model::ElementType::F64, {piece_of(0, 3, 0, 5)}), {file.get()});
  EXPECT_EQ(read.elements, values);
}

TEST(BinaryReader, OneReadForEveryFullBuffer) {
  constexpr std::size_t kPerRead = kReadBytes / sizeof(double);
  for (const auto& [count, reads] : {std::pair<std::size_t, std::size_t>{1, 1},
                                     {kPerRead, 1},
                                     {kPerRead + 1, 2},
                                     {4 * kPerRead, 4}}) {
    const auto values = ramp<double>(count);
    const UniqueFd file = file_of(bytes_of(values));
    const auto task = task_of(model::ElementType::F64, {piece_of(0, 0, 0, count)});
    test::PreadFake fake;
    const Read read = read_doubles(task, {file.get()});
    EXPECT_EQ(read.elements, values);
    EXPECT_EQ(fake.calls, reads) << count;
  }
}

TEST(BinaryReader, FilesFollowOneAnotherAndEmptyOnesAreNothing) {
  const UniqueFd first = file_of(bytes_of(ramp<double>(3)));
  const UniqueFd empty = file_of("");
  const UniqueFd last = file_of(bytes_of(ramp<double>(2)));
  const Read read = read_doubles(
      task_of(model::ElementType::F64,
              {piece_of(0, 0, 0, 3), piece_of(1, 0, 0, 0), piece_of(2, 0, 0, 2)}),
      {first.get(), empty.get(), last.get()});
  EXPECT_EQ(read.elements, (std::vector<double>{0, 1, 2, 0, 1}));
  EXPECT_EQ(read.files, (std::vector<std::uint32_t>{0, 2}));
  EXPECT_EQ(read.spans, (std::vector<model::Span>{{0, 0, 3}, {2, 0, 2}}));
}

TEST(BinaryReader, TouchingPiecesOfAFileAreOneSpan) {
  const UniqueFd file = file_of(bytes_of(ramp<double>(6)));
  const Read read = read_doubles(
      task_of(model::ElementType::F64, {piece_of(0, 0, 1, 3), piece_of(0, 0, 3, 5)}),
      {file.get()});
  EXPECT_EQ(read.elements, (std::vector<double>{1, 2, 3, 4}));
  EXPECT_EQ(read.spans, (std::vector<model::Span>{{0, 1, 5}}));
}

TEST(BinaryReader, AShrunkFileIsAnErrorThatNamesIt) {
  const UniqueFd file = file_of(bytes_of(ramp<double>(5)));
  const Read read = read_doubles(
      task_of(model::ElementType::F64, {piece_of(0, 0, 0, 6)}), {file.get()});
  ASSERT_TRUE(read.error);
  EXPECT_EQ(read.error->code(), "file_shrank");
  EXPECT_EQ(test::field(*read.error, "file"), "file 0");
  EXPECT_TRUE(read.spans.empty());
}

TEST(BinaryReader, ASparseMemfdReadsAsZeros) {
  const UniqueFd file(::memfd_create("sparse", MFD_CLOEXEC | MFD_ALLOW_SEALING));
  ASSERT_EQ(::ftruncate(file.get(), 1 << 20), 0);
  test::seal(file, test::kAllSeals);
  const Read read =
      read_doubles(task_of(model::ElementType::F64, {piece_of(0, 0, 0, (1 << 20) / 8)}),
                   {file.get()});
  EXPECT_EQ(read.elements, std::vector<double>((1 << 20) / 8, 0.0));
}

TEST(BinaryReader, TasksThatDoNotFitAreOurBug) {
  const UniqueFd file = file_of(bytes_of(ramp<double>(5)));
  const Read descriptor = read_doubles(
      task_of(model::ElementType::F64, {piece_of(7, 0, 0, 1)}), {file.get()});
  ASSERT_TRUE(descriptor.error);
  EXPECT_EQ(descriptor.error->errc(), Errc::Internal);
  for (const auto& [begin, end] :
       {std::pair<std::uint64_t, std::uint64_t>{3, 2}, {0, UINT64_MAX / 8 + 1}}) {
    const Read read = read_doubles(
        task_of(model::ElementType::F64, {piece_of(0, 0, begin, end)}), {file.get()});
    ASSERT_TRUE(read.error);
    EXPECT_EQ(read.error->errc(), Errc::Internal);
  }
}

model::ChunkTask values_task(const std::vector<double>& values, std::uint64_t begin) {
  model::ChunkTask task;
  task.columns.resize(1);
  model::ValuesPiece piece;
  const auto bytes = std::as_bytes(std::span(values));
  piece.bytes.assign(bytes.begin(), bytes.end());
  piece.begin = begin;
  piece.end = begin + values.size();
  task.piece = std::move(piece);
  return task;
}

TEST(ValuesReader, GivesTheTasksOwnBytesWithTheirPlace) {
  const Read read = read_doubles(values_task({1, 2, 3}, 40), {});
  EXPECT_EQ(read.elements, (std::vector<double>{1, 2, 3}));
  EXPECT_EQ(read.positions, std::vector<std::uint64_t>{40});
  EXPECT_EQ(read.spans, (std::vector<model::Span>{{0, 40, 43}}));
  EXPECT_TRUE(read_doubles(values_task({}, 0), {}).spans.empty());
}

TEST(ValuesReader, ANumberOfBytesThatDoesNotFitIsOurBug) {
  model::ChunkTask task = values_task({1, 2, 3}, 0);
  std::get<model::ValuesPiece>(task.piece).bytes.pop_back();
  ASSERT_TRUE(read_doubles(task, {}).error);
  std::get<model::ValuesPiece>(task.piece).bytes.resize(16);
  ASSERT_TRUE(read_doubles(task, {}).error);
}

TEST(OpenReader, RangesHaveNoReader) {
  model::ChunkTask task;
  task.columns.resize(1);
  task.piece = model::RangePiece{};
  EXPECT_EQ(read_doubles(task, {}).error->errc(), Errc::Internal);
}

}  // namespace
}  // namespace tally::source

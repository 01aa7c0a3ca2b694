// Reading allocates for a chunk, never for a row or a block.
#include <atomic>
#include <cstdlib>
#include <new>

#include "runtime/source/block_reader.h"
#include "tests/unit/runtime/source/test_files.h"

namespace {
std::atomic<std::size_t> allocations{0};
}  // namespace

// noinline: g++ would see malloc and delete meet, and warn of a mismatch.
[[gnu::noinline]] void* operator new(std::size_t bytes) {
  allocations.fetch_add(1, std::memory_order_relaxed);
  if (void* memory = std::malloc(bytes != 0 ? bytes : 1)) return memory;
  throw std::bad_alloc();
}
[[gnu::noinline]] void operator delete(void* memory) noexcept {
  std::free(memory);
}
[[gnu::noinline]] void operator delete(void* memory, std::size_t) noexcept {
  std::free(memory);
}

namespace tally::source {
namespace {

struct Counted {
  std::uint64_t rows = 0;
  std::size_t allocations = 0;
};

// With a scratch and a batch that have served before, as a worker's have.
Counted read_again(const model::ChunkTask& task, int descriptor) {
  Scratch scratch;
  Batch batch;
  Counted counted;
  for (int round = 0; round < 2; ++round) {
    const std::size_t before = allocations.load();
    const auto reader = open_reader(task, {&descriptor, 1}, scratch);
    EXPECT_TRUE(reader);
    counted.rows = 0;
    for (;;) {
      const auto more = (*reader)->next(batch);
      EXPECT_TRUE(more);
      if (!more || !*more) break;
      counted.rows += batch.rows;
    }
    counted.allocations = allocations.load() - before;
  }
  return counted;
}

model::ChunkTask task_of(model::FileFormat format, std::uint64_t end) {
  model::ChunkTask task;
  task.columns.resize(2);
  task.missing = model::MissingPolicy::Skip;
  model::FilePiece piece;
  piece.name = "file";
  piece.end = end;
  piece.columns = {0, 2};
  if (format == model::FileFormat::Raw) task.columns.resize(1);
  task.piece = model::FilePieces{format, {',', false}, {piece}};
  return task;
}

TEST(Allocation, CsvRowsAllocateNothing) {
  std::size_t few = 0;
  for (const int rows : {100, 100'000}) {
    std::string text;
    for (int row = 0; row < rows; ++row)
      text += std::to_string(row) + ",\"a \"\"quoted\"\" text\",\"" +
              (row % 3 == 0 ? "" : std::to_string(row)) + "\"\n";
    const UniqueFd file = test::file_of(text);
    const Counted counted =
        read_again(task_of(model::FileFormat::Csv, text.size()), file.get());
    EXPECT_EQ(counted.rows, static_cast<std::uint64_t>(rows));
    if (few == 0) few = counted.allocations;
    EXPECT_EQ(counted.allocations, few) << rows;
  }
  EXPECT_LE(few, 8U);
}

TEST(Allocation, RawBlocksAllocateNothing) {
  std::size_t few = 0;
  for (const std::size_t bytes : {std::size_t{8}, std::size_t{8} << 20}) {
    const UniqueFd file = test::file_of(std::string(bytes, '\0'));
    const Counted counted =
        read_again(task_of(model::FileFormat::Raw, bytes / 8), file.get());
    EXPECT_EQ(counted.rows, bytes / 8);
    if (few == 0) few = counted.allocations;
    EXPECT_EQ(counted.allocations, few) << bytes;
  }
  EXPECT_LE(few, 4U);
}

}  // namespace
}  // namespace tally::source

// Arrays that stay mapped: read as they lie, bounded by the object, forgotten when
// told.
#include "runtime/source/mapped_reader.h"

#include <gtest/gtest.h>
#include <sys/mman.h>
#include <unistd.h>

#include <cstring>
#include <numeric>
#include <optional>
#include <vector>

#include "ipc/base/unique_fd.h"
#include "runtime/source/positioned_read.h"

namespace tally::source {
namespace {

constexpr std::size_t kCount = 3 * kReadBytes / sizeof(double) + 5;
constexpr std::uint64_t kNumber = 7;

UniqueFd ramp_of_doubles(double first = 0) {
  std::vector<double> values(kCount);
  std::iota(values.begin(), values.end(), first);
  UniqueFd fd(::memfd_create("array", MFD_CLOEXEC));
  EXPECT_EQ(::write(fd.get(), values.data(), kCount * sizeof(double)),
            static_cast<ssize_t>(kCount * sizeof(double)));
  return fd;
}

model::ChunkTask task_of(std::uint64_t begin, std::uint64_t end,
                         std::uint64_t offset = 0) {
  model::ChunkTask task;
  task.type = model::ElementType::F64;
  task.columns.resize(1);
  model::FilePiece piece;
  piece.data_offset_bytes = offset;
  piece.begin = begin;
  piece.end = end;
  task.piece = model::FilePieces{model::FileFormat::Raw, {}, {piece}, kNumber};
  return task;
}

struct Read {
  std::vector<double> elements;
  std::vector<const void*> places;
  std::vector<model::Span> spans;
  std::optional<Error> error;
};

Read read(const model::ChunkTask& task, int fd, MappedArrays& arrays) {
  Read result;
  const int fds[] = {fd};
  const auto reader = open_mapped_reader(task, fds, arrays);
  if (!reader) {
    result.error = reader.error();
    return result;
  }
  Batch batch;
  while (*(*reader)->next(batch)) {
    const reduce::Block& block = batch.columns.front();
    EXPECT_EQ(block.first_index, batch.first_row);
    EXPECT_EQ(block.count, batch.rows);
    const auto* const from = static_cast<const double*>(block.data);
    result.elements.insert(result.elements.end(), from, from + block.count);
    result.places.push_back(block.data);
  }
  (*reader)->spans(result.spans);
  return result;
}

TEST(MappedReader, ReadsARunInBlocks) {
  const UniqueFd fd = ramp_of_doubles();
  MappedArrays arrays;
  const Read all = read(task_of(0, kCount), fd.get(), arrays);
  ASSERT_EQ(all.elements.size(), kCount);
  for (std::size_t i = 0; i < kCount; ++i)
    ASSERT_EQ(all.elements[i], static_cast<double>(i));
  EXPECT_EQ(all.places.size(), 4U);
  EXPECT_EQ(all.spans, (std::vector<model::Span>{{0, 0, kCount}}));

  const Read run = read(task_of(10, 20, 16), fd.get(), arrays);
  ASSERT_EQ(run.elements.size(), 10U);
  EXPECT_EQ(run.elements.front(), 12.0);
  EXPECT_EQ(run.spans, (std::vector<model::Span>{{0, 10, 20}}));

  EXPECT_TRUE(read(task_of(5, 5), fd.get(), arrays).elements.empty());
}

TEST(MappedReader, CopiesNothingAndMapsOnce) {
  const UniqueFd fd = ramp_of_doubles();
  MappedArrays arrays;
  const Read first = read(task_of(0, 8), fd.get(), arrays);
  EXPECT_EQ(read(task_of(0, 8), fd.get(), arrays).places, first.places);
}

TEST(MappedReader, ANumberThatWasForgottenIsMappedAnew) {
  const UniqueFd one = ramp_of_doubles(0);
  const UniqueFd two = ramp_of_doubles(1000);
  MappedArrays arrays;
  EXPECT_EQ(read(task_of(0, 1), one.get(), arrays).elements.front(), 0.0);
  const std::uint64_t numbers[] = {kNumber, 99};
  arrays.forget(numbers);
  EXPECT_EQ(read(task_of(0, 1), two.get(), arrays).elements.front(), 1000.0);
}

TEST(MappedReader, RefusesWhatLiesOutside) {
  const UniqueFd fd = ramp_of_doubles();
  MappedArrays arrays;
  EXPECT_TRUE(read(task_of(0, kCount + 1), fd.get(), arrays).error);
  EXPECT_TRUE(read(task_of(0, kCount, 8), fd.get(), arrays).error);
  EXPECT_TRUE(read(task_of(9, 8), fd.get(), arrays).error);
  EXPECT_TRUE(
      read(task_of(~std::uint64_t{0}, ~std::uint64_t{0}), fd.get(), arrays).error);
  EXPECT_TRUE(read(task_of(0, 0, kCount * 8 + 8), fd.get(), arrays).error);
  model::ChunkTask task = task_of(0, 1);
  std::get<model::FilePieces>(task.piece).pieces.front().descriptor = 1;
  EXPECT_TRUE(read(task, fd.get(), arrays).error);
}

TEST(MappedReader, IsForOneAlignedRun) {
  EXPECT_TRUE(is_mapped(task_of(0, 1)));
  EXPECT_FALSE(is_mapped(task_of(0, 1, 4))) << "the elements are not aligned";
  model::ChunkTask task = task_of(0, 1);
  std::get<model::FilePieces>(task.piece).kept_array = 0;
  EXPECT_FALSE(is_mapped(task));
  task = task_of(0, 1, 8);
  task.kernels.resize(1);
  EXPECT_FALSE(is_mapped(task)) << "kernels are promised 64 bytes";
  task = task_of(0, 1, 128);
  task.kernels.resize(1);
  EXPECT_TRUE(is_mapped(task));
  task = task_of(0, 1);
  std::get<model::FilePieces>(task.piece).pieces.resize(2);
  EXPECT_FALSE(is_mapped(task));
}

TEST(MappedReader, AnEmptyObjectHasNoElements) {
  const UniqueFd fd(::memfd_create("array", MFD_CLOEXEC));
  MappedArrays arrays;
  EXPECT_TRUE(read(task_of(0, 0), fd.get(), arrays).elements.empty());
  EXPECT_TRUE(read(task_of(0, 1), fd.get(), arrays).error);
}

}  // namespace
}  // namespace tally::source

// Two arrays side by side: read, mapped, or one of each; and tasks that do not fit.
#include "runtime/source/paired_reader.h"

#include <gtest/gtest.h>
#include <sys/mman.h>
#include <unistd.h>

#include <numeric>
#include <string>
#include <vector>

#include "ipc/base/unique_fd.h"
#include "runtime/source/positioned_read.h"

namespace tally::source {
namespace {

constexpr std::size_t kCount = 3 * kReadBytes / sizeof(double) + 5;

UniqueFd ramp(double first, std::size_t count = kCount) {
  std::vector<double> values(count);
  std::iota(values.begin(), values.end(), first);
  UniqueFd fd(::memfd_create("array", MFD_CLOEXEC));
  EXPECT_EQ(::write(fd.get(), values.data(), count * sizeof(double)),
            static_cast<ssize_t>(count * sizeof(double)));
  return fd;
}

// The second array from its second element on.
model::ChunkTask task_of(std::uint64_t begin, std::uint64_t end, std::uint64_t kept = 0,
                         std::uint64_t partner_kept = 0) {
  model::ChunkTask task;
  task.columns.resize(3);
  task.columns[2].families = {model::Family::Dot};
  task.columns[2].pair = {0, 1};
  model::FilePiece piece;
  piece.name = "left";
  piece.begin = begin;
  piece.end = end;
  piece.partner = {"right", 1, sizeof(double), partner_kept};
  task.piece = model::FilePieces{model::FileFormat::Raw, {}, {piece}, kept};
  return task;
}

model::FilePiece& piece_of(model::ChunkTask& task) {
  return std::get<model::FilePieces>(task.piece).pieces.front();
}

struct Read {
  std::string error = "none";
  std::vector<double> left, right;
  std::vector<model::Span> spans;
};

Read failed(std::string error) {
  Read result;
  result.error = std::move(error);
  return result;
}

Read read(const model::ChunkTask& task, const UniqueFd& left, const UniqueFd& right,
          MappedArrays* arrays = nullptr) {
  Read result;
  const int fds[] = {left.get(), right.get()};
  Scratch scratch;
  const auto reader = open_paired_reader(task, fds, scratch, arrays);
  if (!reader) return failed(reader.error().message());
  Batch batch;
  for (;;) {
    const Result<bool> more = (*reader)->next(batch);
    if (!more) return failed(std::string(more.error().code()));
    if (!*more) break;
    EXPECT_EQ(batch.columns.size(), 2U);
    EXPECT_EQ(batch.missing, (std::vector<std::uint64_t>{0, 0}));
    EXPECT_EQ(batch.first_row, batch.columns[0].first_index);
    EXPECT_EQ(batch.first_row, batch.columns[1].first_index);
    for (std::size_t i = 0; i < 2; ++i) {
      EXPECT_EQ(batch.columns[i].count, batch.rows);
      const auto* const from = static_cast<const double*>(batch.columns[i].data);
      auto& into = i == 0 ? result.left : result.right;
      into.insert(into.end(), from, from + batch.rows);
    }
  }
  (*reader)->spans(result.spans);
  return result;
}

TEST(PairedReader, ReadsBothArraysRowByRow) {
  const UniqueFd left = ramp(0), right = ramp(1000);
  MappedArrays arrays;
  for (const auto& [kept, partner] :
       {std::pair(0, 0), std::pair(1, 2), std::pair(1, 0), std::pair(0, 2)}) {
    const auto task = task_of(3, kCount - 1, static_cast<std::uint64_t>(kept),
                              static_cast<std::uint64_t>(partner));
    ASSERT_TRUE(is_paired(task));
    for (MappedArrays* const to : {static_cast<MappedArrays*>(nullptr), &arrays}) {
      const Read got = read(task, left, right, to);
      ASSERT_EQ(got.error, "none");
      ASSERT_EQ(got.left.size(), kCount - 4);
      ASSERT_EQ(got.right.size(), kCount - 4);
      for (std::size_t i = 0; i < got.left.size(); ++i) {
        ASSERT_EQ(got.left[i], static_cast<double>(i + 3));
        ASSERT_EQ(got.right[i], static_cast<double>(i + 3 + 1001));
      }
      EXPECT_EQ(got.spans, (std::vector<model::Span>{{0, 3, kCount - 1}}));
    }
  }
}

TEST(PairedReader, AnArrayThatEndsEarlyIsAnError) {
  const UniqueFd left = ramp(0), right = ramp(0);
  EXPECT_EQ(read(task_of(0, kCount), left, right).error, "file_shrank");
  MappedArrays arrays;
  EXPECT_NE(read(task_of(0, kCount, 1, 2), left, right, &arrays).error, "none");
}

TEST(PairedReader, TasksThatDoNotFitAreRefused) {
  const UniqueFd left = ramp(0, 9), right = ramp(0, 9);
  const auto refused = [&](auto change) {
    model::ChunkTask task = task_of(0, 8);
    change(task);
    return read(task, left, right).error != "none";
  };
  EXPECT_FALSE(refused([](auto&) {}));
  EXPECT_TRUE(refused([](auto& task) { task.columns.resize(1); }));
  EXPECT_TRUE(refused([](auto& task) { piece_of(task).descriptor = 2; }));
  EXPECT_TRUE(refused([](auto& task) { piece_of(task).partner->descriptor = 2; }));
  EXPECT_TRUE(refused([](auto& task) { piece_of(task).begin = 9; }));
  EXPECT_TRUE(refused([](auto& task) { piece_of(task).end = ~std::uint64_t{0}; }));
  EXPECT_TRUE(refused([](auto& task) {
    piece_of(task).partner->data_offset_bytes = ~std::uint64_t{0};
  }));
  model::ChunkTask alone = task_of(0, 8);
  piece_of(alone).partner.reset();
  EXPECT_FALSE(is_paired(alone));
}

}  // namespace
}  // namespace tally::source

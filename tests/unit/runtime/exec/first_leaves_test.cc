#include "runtime/exec/first_leaves.h"

#include <gtest/gtest.h>
#include <sys/mman.h>

#include <cstdint>
#include <vector>

#include "ipc/base/unique_fd.h"

namespace tally::exec {
namespace {

constexpr FirstLeavesBounds kLong{1 << 20, 60'000'000'000};

model::ChunkTask task_over(model::Piece piece) {
  model::ChunkTask task;
  task.key = {0, 0, 0, 1};
  task.columns.push_back({{model::Family::Sum}});
  task.piece = std::move(piece);
  return task;
}

model::ChunkTask doubles(std::uint64_t count) {
  model::FilePiece piece;
  piece.name = "doubles";
  piece.end = count;
  return task_over(model::FilePieces{model::FileFormat::Raw, {}, {piece}});
}

UniqueFd file_of(std::uint64_t bytes) {
  UniqueFd file(::memfd_create("leaves", MFD_CLOEXEC));
  EXPECT_EQ(::ftruncate(file.get(), static_cast<off_t>(bytes)), 0);
  return file;
}

TEST(FirstLeaves, OfARangeAreAsManyAsAskedFor) {
  model::ChunkTask task = task_over(model::RangePiece{0, 1, 100, 1'000'000'000'000});
  task.type = model::ElementType::I64;
  const auto leaves = measure_first_leaves(task, {}, {1 << 20, kLong.wall_ns});
  ASSERT_TRUE(leaves.has_value());
  EXPECT_EQ(leaves->extent, 1U << 20);
  EXPECT_GT(leaves->cpu_ns, 0U);
}

TEST(FirstLeaves, OfAFileEndAfterTheBlockThatPassesTheBound) {
  const UniqueFd file = file_of(64 << 20);
  const std::vector<int> fds{file.get()};
  const auto leaves =
      measure_first_leaves(doubles(8 << 20), fds, {100'000, kLong.wall_ns});
  ASSERT_TRUE(leaves.has_value());
  EXPECT_GE(leaves->extent, 100'000U);
  EXPECT_LT(leaves->extent, 1U << 20);
}

TEST(FirstLeaves, OfAShortFileAreAllOfIt) {
  const UniqueFd file = file_of(800);
  const std::vector<int> fds{file.get()};
  const auto leaves = measure_first_leaves(doubles(100), fds, kLong);
  ASSERT_TRUE(leaves.has_value());
  EXPECT_EQ(leaves->extent, 100U);
}

TEST(FirstLeaves, WhereTimeIsUpAreOneBlock) {
  const UniqueFd file = file_of(64 << 20);
  const std::vector<int> fds{file.get()};
  const auto leaves = measure_first_leaves(doubles(8 << 20), fds, {8 << 20, 0});
  ASSERT_TRUE(leaves.has_value());
  EXPECT_GT(leaves->extent, 0U);
  EXPECT_LT(leaves->extent, 1U << 20);
}

TEST(FirstLeaves, ThatCannotBeReadAreNotMeasured) {
  const UniqueFd file = file_of(100);  // shorter than the task says
  const std::vector<int> fds{file.get()};
  EXPECT_FALSE(measure_first_leaves(doubles(100), fds, kLong).has_value());
}

}  // namespace
}  // namespace tally::exec

#include "runtime/exec/process/worker_age.h"

#include <gtest/gtest.h>

namespace tally::exec {
namespace {

constexpr AgeLimits kLimits{3, 1000, 2};

model::ChunkUsage used(std::optional<std::uint64_t> bytes) {
  model::ChunkUsage usage;
  usage.anon_bytes = bytes;
  return usage;
}

TEST(WorkerAge, IsDueAfterSoManyChunks) {
  WorkerAge age;
  for (int i = 0; i < 2; ++i) age.add(used(std::nullopt));
  EXPECT_EQ(age.due(kLimits, 0), "");
  age.add(used(std::nullopt));
  EXPECT_EQ(age.due(kLimits, 0), "has run 3 chunks");
  EXPECT_EQ(age.due({0, 1000, 2}, 0), "");
}

TEST(WorkerAge, IsDueAfterSoManyFilesOfKernels) {
  EXPECT_EQ(WorkerAge().due(kLimits, 1), "");
  EXPECT_EQ(WorkerAge().due(kLimits, 2), "has loaded 2 files of kernels");
}

TEST(WorkerAge, IsDueWhenItHasGrownSinceTheFirstChunkThatWasMeasured) {
  WorkerAge age;
  age.add(used(std::nullopt));
  age.add(used(1 << 20));  // much, but no growth
  EXPECT_EQ(age.due({0, 1000, 2}, 0), "");
  age.add(used((1 << 20) + 999));
  EXPECT_EQ(age.due({0, 1000, 2}, 0), "");
  age.add(used((1 << 20) + 1000));
  EXPECT_EQ(age.due({0, 1000, 2}, 0),
            "has grown from 1024 to 1024 KiB of private memory");
  EXPECT_EQ(age.due({0, 0, 2}, 0), "");
  age.add(used(1 << 20));  // given back
  EXPECT_EQ(age.due({0, 1000, 2}, 0), "");
}

}  // namespace
}  // namespace tally::exec

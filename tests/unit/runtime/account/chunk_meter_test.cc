#include "runtime/account/chunk_meter.h"

#include <gtest/gtest.h>
#include <sys/mman.h>

#include <cstring>

#include "runtime/account/process_memory.h"

namespace tally::account {
namespace {

constexpr Nanoseconds kTick = 10'000'000;  // the coarsest the kernel accounts in
constexpr std::size_t kLot = 32U << 20;

model::ChunkTask range_of(std::uint64_t begin, std::uint64_t end) {
  model::ChunkTask task;
  task.piece = model::RangePiece{0, 1, begin, end};
  return task;
}

void burn(Nanoseconds for_ns) {
  const Nanoseconds until = monotonic_ns() + for_ns;
  while (monotonic_ns() < until) {
  }
}

void touch_and_give_back() {
  void* at =
      ::mmap(nullptr, kLot, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  ASSERT_NE(at, MAP_FAILED);
  std::memset(at, 1, kLot);
  ::munmap(at, kLot);
}

TEST(ChunkMeter, CpuTimeIsWithinTheWallTime) {
  ChunkMeter meter(nullptr);
  meter.start(range_of(0, 10));
  burn(20'000'000);
  const model::ChunkUsage usage = meter.stop();
  EXPECT_GE(usage.run_ns, 20'000'000U);
  EXPECT_GT(usage.cpu_user_ns + usage.cpu_system_ns, 0U);
  EXPECT_LE(usage.cpu_user_ns + usage.cpu_system_ns, usage.run_ns + kTick);
}

TEST(ChunkMeter, WithoutItsFilesMeasuresNoMemory) {
  ChunkMeter meter(nullptr);
  meter.start(range_of(0, kMeasuredUnits * 10));
  const model::ChunkUsage usage = meter.stop();
  EXPECT_FALSE(usage.peak_rss_bytes || usage.anon_bytes);
}

TEST(ChunkMeter, WithFilesThatCouldNotBeOpenedMeasuresNoMemory) {
  const SelfFiles none;
  ChunkMeter meter(&none);
  meter.start(range_of(0, kMeasuredUnits * 10));
  const model::ChunkUsage usage = meter.stop();
  EXPECT_FALSE(usage.peak_rss_bytes || usage.anon_bytes);
}

class MeteredMemory : public ::testing::Test {
 protected:
  void SetUp() override {
    if (!files_.clear_refs || !files_.status) GTEST_SKIP() << "/proc/self is closed";
    meter_.start(range_of(0, kMeasuredUnits));
    if (!meter_.stop().peak_rss_bytes) GTEST_SKIP() << "clear_refs refuses 5";
  }

  const SelfFiles files_ = SelfFiles::open();
  ChunkMeter meter_{&files_};
};

TEST_F(MeteredMemory, IsMeasuredFromAHundredThousandUnitsOn) {
  meter_.start(range_of(5, 5 + kMeasuredUnits - 1));
  EXPECT_FALSE(meter_.stop().peak_rss_bytes.has_value());
  meter_.start(range_of(5, 5 + kMeasuredUnits));
  EXPECT_TRUE(meter_.stop().peak_rss_bytes.has_value());
  // One big chunk does not make the next small one measured.
  meter_.start(range_of(0, 1));
  EXPECT_FALSE(meter_.stop().peak_rss_bytes.has_value());
}

TEST_F(MeteredMemory, CountsTheElementsOfAllPieces) {
  model::ChunkTask task;
  model::FilePieces files;
  files.pieces.resize(2);
  files.pieces[0].end = kMeasuredUnits / 2;
  files.pieces[1].end = kMeasuredUnits / 2;
  task.piece = files;
  meter_.start(task);
  EXPECT_TRUE(meter_.stop().peak_rss_bytes.has_value());
  model::ValuesPiece values;
  values.end = kMeasuredUnits;
  task.piece = values;
  meter_.start(task);
  EXPECT_TRUE(meter_.stop().peak_rss_bytes.has_value());
}

TEST_F(MeteredMemory, ThePeakIsAtLeastWhatIsAnonymousAndResident) {
  meter_.start(range_of(0, kMeasuredUnits));
  const model::ChunkUsage usage = meter_.stop();
  ASSERT_TRUE(usage.peak_rss_bytes && usage.anon_bytes);
  EXPECT_GE(*usage.peak_rss_bytes, *usage.anon_bytes);
  EXPECT_GT(*usage.anon_bytes, 0U);
}

TEST_F(MeteredMemory, ThePeakIsThisChunksAndNotAnEarlierOnes) {
  meter_.start(range_of(0, kMeasuredUnits));
  touch_and_give_back();
  const model::ChunkUsage large = meter_.stop();
  meter_.start(range_of(0, kMeasuredUnits));
  const model::ChunkUsage small = meter_.stop();
  ASSERT_TRUE(large.peak_rss_bytes && small.peak_rss_bytes);
  EXPECT_GT(*large.peak_rss_bytes, *small.peak_rss_bytes + kLot / 2);
}

}  // namespace
}  // namespace tally::account

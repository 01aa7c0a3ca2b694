#include "runtime/account/process_memory.h"

#include <gtest/gtest.h>
#include <sys/mman.h>
#include <unistd.h>

#include <cstring>

namespace tally::account {
namespace {

constexpr std::size_t kLot = 64U << 20;

// Touched memory that goes away with it.
class Touched {
 public:
  Touched()
      : at_(::mmap(nullptr, kLot, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS,
                   -1, 0)) {
    EXPECT_NE(at_, MAP_FAILED);
    std::memset(at_, 1, kLot);
  }
  ~Touched() { ::munmap(at_, kLot); }
  Touched(const Touched&) = delete;
  Touched& operator=(const Touched&) = delete;

 private:
  void* const at_;
};

std::uint32_t own_pid() {
  return static_cast<std::uint32_t>(::getpid());
}

TEST(ProcessMemory, OwnResidentSetGrowsByWhatIsTouched) {
  const auto before = own_rss_bytes();
  ASSERT_TRUE(before.has_value());
  EXPECT_GT(*before, 100'000U);
  const Touched lot;
  const auto after = own_rss_bytes();
  ASSERT_TRUE(after.has_value());
  EXPECT_GT(*after, *before + kLot * 3 / 4);
#ifndef __SANITIZE_THREAD__  // it keeps notes of several times the size
  EXPECT_LT(*after, *before + kLot * 2);
#endif
}

TEST(ProcessMemory, TheShareOfAProcessIsAtMostWhatItHasResident) {
  const auto memory = process_memory(own_pid());
  if (!memory) GTEST_SKIP() << "no smaps_rollup here";
  EXPECT_GT(memory->pss_bytes, 0U);
  EXPECT_LE(memory->pss_bytes, memory->rss_bytes);
}

TEST(ProcessMemory, SeesPrivateMemoryInFull) {
  const auto before = process_memory(own_pid());
  if (!before) GTEST_SKIP() << "no smaps_rollup here";
  const Touched lot;
  const auto after = process_memory(own_pid());
  ASSERT_TRUE(after.has_value());
  EXPECT_GT(after->pss_bytes, before->pss_bytes + kLot * 3 / 4);
  EXPECT_GT(after->rss_bytes, before->rss_bytes + kLot * 3 / 4);
}

TEST(ProcessMemory, OfAProcessThatIsNotThereIsUnknown) {
  EXPECT_FALSE(process_memory(0xFFFFFFF0U).has_value());
}

TEST(ProcessMemory, TheSystemUsesSomeOfItsMemoryAndNotMoreThanAll) {
  const auto used = system_used_percent();
  ASSERT_TRUE(used.has_value());
  EXPECT_GT(*used, 0.0);
  EXPECT_LE(*used, 100.0);
}

TEST(MemoryGauge, ShowsNothingUntilItIsRead) {
  const MemoryGauge gauge;
  EXPECT_EQ(gauge.own_rss_bytes(), 0U);
  EXPECT_EQ(gauge.system_used_percent(), 0.0);
}

TEST(MemoryGauge, ReadsAnewOnlyWhenAHundredMillisecondsHavePassed) {
  MemoryGauge gauge;
  constexpr Nanoseconds kStart = 5'000'000'000;
  constexpr Nanoseconds kHundredMs = 100'000'000;
  gauge.refresh_if_old(kStart);
  const std::uint64_t first = gauge.own_rss_bytes();
  EXPECT_GT(first, 0U);
  EXPECT_GT(gauge.system_used_percent(), 0.0);
  const Touched lot;
  gauge.refresh_if_old(kStart + kHundredMs - 1);
  EXPECT_EQ(gauge.own_rss_bytes(), first);
  gauge.refresh_if_old(kStart + kHundredMs);
  EXPECT_GT(gauge.own_rss_bytes(), first + kLot / 2);
}

}  // namespace
}  // namespace tally::account

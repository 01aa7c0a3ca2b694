// Which arrays get a number, and when workers are to forget them.
#include "runtime/job/kept_arrays.h"

#include <gtest/gtest.h>

#include <vector>

namespace tally::job {
namespace {

using Numbers = std::vector<KeptArrays::Number>;

constexpr std::uint64_t kMiB = 1 << 20;
constexpr MemoryObject kOne{1, 10, 8 * kMiB};
constexpr MemoryObject kTwo{1, 11, 8 * kMiB};
constexpr Nanoseconds kSecond = 1'000'000'000;

TEST(KeptArrays, HaveANumberFromTheSecondJobOn) {
  KeptArrays arrays(100 * kMiB);
  EXPECT_EQ(arrays.use(1, kOne, 0), 0U);
  const auto number = arrays.use(1, kOne, 1);
  EXPECT_NE(number, 0U);
  EXPECT_EQ(arrays.use(1, kOne, 2), number);
  EXPECT_EQ(arrays.bytes(), 8 * kMiB);
}

TEST(KeptArrays, BelongToTheSessionThatPassedThem) {
  KeptArrays arrays(100 * kMiB);
  arrays.use(1, kOne, 0);
  EXPECT_EQ(arrays.use(2, kOne, 0), 0U);
  const auto first = arrays.use(1, kOne, 0);
  const auto second = arrays.use(2, kOne, 0);
  EXPECT_NE(first, second);
}

TEST(KeptArrays, AreForgottenTenSecondsAfterTheirLastJob) {
  KeptArrays arrays(100 * kMiB);
  arrays.use(1, kOne, 0);
  const auto number = arrays.use(1, kOne, 0);
  EXPECT_EQ(arrays.expire(500 * kSecond), Numbers()) << "its job lives";
  arrays.done(number, 500 * kSecond);
  EXPECT_EQ(arrays.expire(509 * kSecond), Numbers());
  EXPECT_EQ(arrays.expire(510 * kSecond), Numbers{number});
  EXPECT_EQ(arrays.bytes(), 0U);
  EXPECT_TRUE(arrays.empty());
  EXPECT_EQ(arrays.use(1, kOne, 511 * kSecond), 0U) << "as if it had never been seen";
}

TEST(KeptArrays, AreForgottenWhenTheyAreOldHoweverMuchTheyAreUsed) {
  KeptArrays arrays(100 * kMiB);
  arrays.use(1, kOne, 0);
  Numbers forgotten;
  Nanoseconds now = 0;
  KeptArrays::Number number = 0;
  for (; forgotten.empty() && now < 2 * KeptArrays::kOldest; now += kSecond) {
    number = arrays.use(1, kOne, now);
    arrays.done(number, now);
    forgotten = arrays.expire(now);
  }
  EXPECT_EQ(forgotten, Numbers{number});
  EXPECT_EQ(now - kSecond, KeptArrays::kOldest);
}

TEST(KeptArrays, GoWithTheirSession) {
  KeptArrays arrays(100 * kMiB);
  for (const auto& object : {kOne, kTwo}) arrays.use(1, object, 0);
  arrays.use(2, kOne, 0);
  const auto idle = arrays.use(1, kOne, 0);
  const auto busy = arrays.use(1, kTwo, 0);
  const auto others = arrays.use(2, kOne, 0);
  arrays.done(idle, 0);
  EXPECT_EQ(arrays.session_ended(1), Numbers{idle});
  EXPECT_EQ(arrays.expire(kSecond), Numbers()) << "a job of it lives";
  arrays.done(busy, kSecond);
  EXPECT_EQ(arrays.expire(kSecond), Numbers{busy});
  arrays.done(others, kSecond);
  EXPECT_EQ(arrays.session_ended(2), Numbers{others});
  EXPECT_TRUE(arrays.empty());
}

TEST(KeptArrays, AreBoundedTogether) {
  KeptArrays arrays(12 * kMiB);
  for (int i = 0; i < 2; ++i) {
    arrays.use(1, kOne, 0);
    EXPECT_EQ(arrays.use(1, kTwo, 0), 0U);
  }
  EXPECT_EQ(arrays.bytes(), kOne.bytes);
  KeptArrays none(0);
  none.use(1, kOne, 0);
  EXPECT_EQ(none.use(1, kOne, 0), 0U);
}

TEST(KeptArrays, SmallOnesAreNotWorthIt) {
  KeptArrays arrays(100 * kMiB);
  const MemoryObject small{1, 12, KeptArrays::kLeastBytes - 1};
  arrays.use(1, small, 0);
  EXPECT_EQ(arrays.use(1, small, 0), 0U);
  EXPECT_TRUE(arrays.empty());
}

TEST(KeptArrays, NotAnyNumberIsKnown) {
  KeptArrays arrays(100 * kMiB);
  for (std::uint64_t inode = 0; inode < KeptArrays::kMostKnown; ++inode)
    arrays.use(1, {1, inode, kMiB}, 0);
  const MemoryObject late{2, 1, kMiB};
  arrays.use(1, late, 0);
  EXPECT_EQ(arrays.use(1, late, 0), 0U);
}

}  // namespace
}  // namespace tally::job

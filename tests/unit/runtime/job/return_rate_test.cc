#include "runtime/job/return_rate.h"

#include <gtest/gtest.h>

namespace tally::job {
namespace {

constexpr Nanoseconds kMs = 1'000'000;
constexpr Nanoseconds kSecond = 1000 * kMs;
constexpr Nanoseconds kStart = 777 * kSecond;

// One comes back each `every`, until `end`.
Nanoseconds steady(ReturnRate& rate, Nanoseconds now, Nanoseconds every,
                   Nanoseconds end) {
  while (now + every <= end) {
    now += every;
    rate.came_back(1, now);
  }
  return now;
}

// The weights forget; an estimate is right within a tenth.
void expect_about(Nanoseconds wait, Nanoseconds right) {
  EXPECT_GE(wait, right - right / 10);
  EXPECT_LE(wait, right + right / 10);
}

TEST(ReturnRate, AtASteadyRateTheWaitIsWhatItTakes) {
  for (const Nanoseconds length : {kSecond, 30 * kSecond}) {
    ReturnRate rate;
    rate.began(kStart);
    const Nanoseconds now = steady(rate, kStart, 10 * kMs, kStart + length);
    expect_about(rate.wait_for(5, now), 50 * kMs);
    expect_about(rate.wait_for(100, now), kSecond);
  }
}

TEST(ReturnRate, WhatComesBackInBatchesCountsInFull) {
  ReturnRate rate;
  rate.began(kStart);
  for (Nanoseconds i = 1; i <= 100; ++i) rate.came_back(50, kStart + i * 100 * kMs);
  expect_about(rate.wait_for(500, kStart + 100 * 100 * kMs), kSecond);
}

TEST(ReturnRate, ANewRateReplacesTheOld) {
  ReturnRate rate;
  rate.began(kStart);
  Nanoseconds now = steady(rate, kStart, kMs, kStart + 10 * kSecond);
  now = steady(rate, now, 100 * kMs, now + 60 * kSecond);
  expect_about(rate.wait_for(10, now), kSecond);
}

TEST(ReturnRate, WhereNothingComesBackAnyMoreTheWaitGrows) {
  ReturnRate rate;
  rate.began(kStart);
  Nanoseconds now = steady(rate, kStart, 10 * kMs, kStart + 10 * kSecond);
  Nanoseconds before = rate.wait_for(10, now);
  for (int i = 0; i < 5; ++i) {
    now += 5 * kSecond;
    EXPECT_GT(rate.wait_for(10, now), 2 * before);
    before = rate.wait_for(10, now);
  }
  EXPECT_EQ(rate.wait_for(10, now + 3600 * kSecond), ReturnRate::kLongestWait);
}

TEST(ReturnRate, WhatHasNotMovedIsTakenToStayForAsLongAgain) {
  ReturnRate rate;
  rate.began(kStart);
  EXPECT_EQ(rate.wait_for(1, kStart), ReturnRate::kShortestWait);
  EXPECT_EQ(rate.wait_for(1, kStart + 3 * kSecond), 3 * kSecond);
  EXPECT_EQ(rate.wait_for(1, kStart + 300 * kSecond), ReturnRate::kLongestWait);
}

TEST(ReturnRate, TheTimeInWhichNothingWasHeldDoesNotCount) {
  ReturnRate rate;
  rate.began(kStart);
  rate.came_back(1, kStart + 5 * kSecond);
  rate.began(kStart + 500 * kSecond);
  EXPECT_EQ(rate.wait_for(1, kStart + 500 * kSecond + 40 * kMs), 40 * kMs);
}

TEST(ReturnRate, AFloodThatComesBackAtOnceIsNoLongWait) {
  ReturnRate rate;
  rate.began(kStart);
  rate.came_back(1'000'000, kStart + kSecond);
  EXPECT_EQ(rate.wait_for(1, kStart + kSecond), ReturnRate::kShortestWait);
}

}  // namespace
}  // namespace tally::job

// What is said of a path whose canaries are answered, late, wrong, or in others' way.
#include "daemon/path_watch.h"

#include <gtest/gtest.h>

namespace tally::daemon {
namespace {

using model::HealthState;

constexpr Nanoseconds kSecond = 1'000'000'000;
constexpr Nanoseconds kInterval = 10 * kSecond;
constexpr Nanoseconds kStall = 60 * kSecond;
constexpr PathWatch::Look kQuiet{};

// One canary was sent at 100 s.
PathWatch watched() {
  PathWatch watch(kStall);
  watch.every(kInterval, 100 * kSecond);
  watch.look(kQuiet, 100 * kSecond);
  EXPECT_TRUE(watch.due());
  watch.sent();
  EXPECT_FALSE(watch.due());
  return watch;
}

PathWatch::Look in_hand(bool moved = false) {
  return {moved, 0, 1, 1, false};
}
PathWatch::Look in_line(bool moved = false) {
  return {moved, 1, 0, 2, false};
}

TEST(PathWatchTest, WithoutCanariesNothingIsKnownAndNothingIsDue) {
  PathWatch watch(kStall);
  watch.every(0, kSecond);
  watch.look(kQuiet, 100 * kSecond);
  EXPECT_FALSE(watch.due());
  EXPECT_EQ(watch.state(), HealthState::Off);
  EXPECT_TRUE(watch.is_alive());
}

TEST(PathWatchTest, AnAnswerIsOkUntilTheNextOneIsLate) {
  PathWatch watch = watched();
  EXPECT_EQ(watch.state(), HealthState::Busy);
  EXPECT_EQ(watch.message(), "no canary has been answered yet");
  watch.answered();
  EXPECT_EQ(watch.state(), HealthState::Ok);
  EXPECT_EQ(watch.message(), "");
  EXPECT_EQ(watch.next_look_ns(), 110 * kSecond);
  watch.look(kQuiet, 110 * kSecond);
  ASSERT_TRUE(watch.due());
  watch.sent();
  watch.look(in_hand(), 115 * kSecond - 1);
  EXPECT_EQ(watch.state(), HealthState::Ok);
  watch.look(in_hand(), 115 * kSecond);
  EXPECT_EQ(watch.state(), HealthState::Wedged);
  watch.answered();
  EXPECT_EQ(watch.state(), HealthState::Ok);
  EXPECT_TRUE(watch.is_alive());
}

TEST(PathWatchTest, NoTimeWithoutACanaryCounts) {
  PathWatch watch = watched();
  watch.answered();
  watch.look(kQuiet, 1'000 * kSecond);
  EXPECT_EQ(watch.state(), HealthState::Ok);
  watch.sent();
  EXPECT_EQ(watch.state(), HealthState::Ok);
}

TEST(PathWatchTest, WhatMovesIsBusyForHoweverLong) {
  PathWatch watch = watched();
  for (Nanoseconds now = 101; now < 4'000; now += 4) {
    watch.look(in_line(true), now * kSecond);
    ASSERT_EQ(watch.state(), HealthState::Busy);
    ASSERT_TRUE(watch.is_alive());
  }
  EXPECT_EQ(watch.message(), "a canary has waited 3897 s behind work that goes on");
}

TEST(PathWatchTest, ACanaryThatHangsInASlotThatDoesNotMoveIsAWedge) {
  PathWatch watch = watched();
  watch.look(in_hand(true), 103 * kSecond);
  watch.look(in_hand(), 108 * kSecond - 1);
  EXPECT_NE(watch.state(), HealthState::Wedged);
  watch.look(in_hand(), 108 * kSecond);
  EXPECT_EQ(watch.state(), HealthState::Wedged);
  EXPECT_EQ(watch.message(),
            "a canary has had no answer for 8 s, and for 5 s nothing moved");
  EXPECT_FALSE(watch.is_alive());
  watch.look(in_hand(true), 109 * kSecond);
  EXPECT_EQ(watch.state(), HealthState::Busy);
  EXPECT_TRUE(watch.is_alive());
}

TEST(PathWatchTest, AnotherIsSentBehindOneThatHangsAndItsAnswerIsASignOfLife) {
  PathWatch watch = watched();
  watch.look(in_hand(), 101 * kSecond - 1);
  EXPECT_FALSE(watch.due());
  watch.look(in_hand(), 101 * kSecond);
  ASSERT_TRUE(watch.due());
  watch.sent();
  watch.answered();
  watch.look(in_hand(), 109 * kSecond);
  EXPECT_EQ(watch.state(), HealthState::Ok);
  EXPECT_FALSE(watch.due());
}

TEST(PathWatchTest, OthersDoNotPutOffThatAWedgeIsFound) {
  PathWatch watch = watched();
  for (Nanoseconds now = 101; now < 105; ++now) {
    watch.look(in_hand(), now * kSecond);
    ASSERT_TRUE(watch.due());
    watch.sent();
    ASSERT_NE(watch.state(), HealthState::Wedged);
  }
  watch.look(in_hand(), 105 * kSecond);
  EXPECT_EQ(watch.state(), HealthState::Wedged);
}

TEST(PathWatchTest, NoneIsSentWhileOneWaitsInLine) {
  PathWatch watch = watched();
  watch.look(in_line(), 500 * kSecond);
  EXPECT_FALSE(watch.due());
  EXPECT_GT(watch.next_look_ns(), 500 * kSecond);
}

TEST(PathWatchTest, WorkOfOthersThatStandsStillIsSupervisionsToEndFirst) {
  PathWatch watch = watched();
  watch.look(in_line(), 105 * kSecond);
  EXPECT_EQ(watch.state(), HealthState::Wedged);
  EXPECT_EQ(watch.message(),
            "a canary has had no answer for 5 s, and for 5 s nothing moved: what is "
            "before it in line stands still");
  EXPECT_TRUE(watch.is_alive());
  watch.look(in_line(), 165 * kSecond - 1);
  EXPECT_TRUE(watch.is_alive());
  watch.look(in_line(), 165 * kSecond);
  EXPECT_FALSE(watch.is_alive());
}

TEST(PathWatchTest, APathWithNoSlotThatCouldTakeTheCanaryIsNotAlive) {
  PathWatch watch = watched();
  watch.look({false, 1, 0, 0, false}, 105 * kSecond);
  EXPECT_EQ(watch.state(), HealthState::Wedged);
  EXPECT_FALSE(watch.is_alive());
}

TEST(PathWatchTest, WhereTheSupervisorKeepsTryingARestartIsNoRemedy) {
  PathWatch watch = watched();
  watch.look({false, 1, 0, 0, true}, 105 * kSecond);
  EXPECT_EQ(watch.state(), HealthState::Wedged);
  EXPECT_TRUE(watch.is_alive());
}

TEST(PathWatchTest, AnErrorIsToldAndIsNoReasonForARestart) {
  PathWatch watch = watched();
  watch.failed("killed");
  EXPECT_EQ(watch.state(), HealthState::Failed);
  EXPECT_EQ(watch.message(), "killed");
  EXPECT_TRUE(watch.is_alive());
}

TEST(PathWatchTest, AWrongAnswerIsOneUntilTheNextIsRight) {
  PathWatch watch = watched();
  watch.wrong("sum gave 2");
  EXPECT_EQ(watch.state(), HealthState::Wrong);
  EXPECT_EQ(watch.message(), "sum gave 2");
  EXPECT_FALSE(watch.is_alive());
  watch.look(kQuiet, 110 * kSecond);
  watch.sent();
  EXPECT_EQ(watch.state(), HealthState::Wrong);
  watch.answered();
  EXPECT_EQ(watch.state(), HealthState::Ok);
  EXPECT_TRUE(watch.is_alive());
}

TEST(PathWatchTest, AnIntervalIsTakenOverAtOnceAlsoOff) {
  PathWatch watch = watched();
  watch.every(0, 101 * kSecond);
  EXPECT_EQ(watch.state(), HealthState::Off);
  watch.failed("the daemon stopped");  // one that was under way
  EXPECT_EQ(watch.state(), HealthState::Off);
  watch.every(kSecond, 200 * kSecond);
  EXPECT_TRUE(watch.due());
  watch.sent();
  watch.answered();
  EXPECT_EQ(watch.next_look_ns(), 201 * kSecond);
}

}  // namespace
}  // namespace tally::daemon

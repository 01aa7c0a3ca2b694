#include "runtime/exec/process/work_moment.h"

#include <gtest/gtest.h>

#include <chrono>

namespace tally::exec {
namespace {

using std::chrono::nanoseconds;

constexpr StallLimits kLimits{nanoseconds(100), nanoseconds(300)};

WorkMoment moment(std::uint64_t begun, std::uint64_t advanced) {
  WorkMoment made;
  made.begun = begun;
  made.advanced = advanced;
  return made;
}

TEST(WorkMoment, ChangesWithEachWordThatTellsOfWork) {
  ChunkPage page;
  const WorkMoment before = WorkMoment::of(page);
  EXPECT_TRUE(before == WorkMoment::of(page));
  const auto changes = [&](auto& word, auto value) {
    const auto old = word.exchange(value);
    EXPECT_FALSE(before == WorkMoment::of(page));
    word.store(old);
  };
  changes(page.begun, 1U);
  changes(page.advanced, 1U);
  changes(page.stage, ChunkStage::Reading);
  changes(page.source_file, 1U);
  changes(page.call, KernelCall::Init);
  changes(page.kernel, 1U);
  changes(page.file, 1U);
  changes(page.first_row, 1U);
  EXPECT_TRUE(before == WorkMoment::of(page));
}

TEST(WorkMoment, IsToldInWords) {
  WorkMoment at = moment(1, 77);
  at.source_file = 4;
  EXPECT_EQ(doing(at), "not begun");
  at.stage = ChunkStage::Opening;
  EXPECT_EQ(doing(at), "opening its input");
  at.stage = ChunkStage::Reading;
  EXPECT_EQ(doing(at), "reading file 4, 77 done");
  at.stage = ChunkStage::Reducing;
  EXPECT_EQ(doing(at), "reducing, 77 done");
  at.place = {KernelCall::Update, 2, 3, 10, 5, {}};
  EXPECT_EQ(doing(at), "in update of kernel 2, file 3, rows 10 to 14");
  at.place = {KernelCall::Finish, 2, 3, 10, 5, {}};
  EXPECT_EQ(doing(at), "in finish of kernel 2");
}

TEST(StillWatch, SaysOnlyWhatStoodStillForTheWholeLimit) {
  StillWatch watch;
  watch.begin(moment(1, 0), 1'000);
  watch.look(moment(1, 0), 1'299);
  EXPECT_FALSE(watch.exceeded(kLimits, 1'299));
  watch.look(moment(1, 0), 1'300);
  EXPECT_EQ(watch.exceeded(kLimits, 1'300), kLimits.worker);
  watch.look(moment(1, 1), 1'301);
  EXPECT_FALSE(watch.exceeded(kLimits, 1'301));
  EXPECT_EQ(watch.still(1'310), nanoseconds(9));
}

TEST(StillWatch, ForgetsWhatStoodStillBeforeTheWorkerWasGivenAnything) {
  StillWatch watch;
  watch.begin(moment(5, 0), 0);
  watch.begin(moment(5, 0), 10'000);
  EXPECT_FALSE(watch.exceeded(kLimits, 10'100));
}

TEST(StillWatch, LeavesOutTheTimeInWhichNobodyCouldLook) {
  StillWatch watch;
  watch.begin(moment(1, 0), 1'000);
  watch.leave_out(5'000, 6'200);  // frozen from 1'200 on
  EXPECT_EQ(watch.still(6'200), nanoseconds(200));
  EXPECT_FALSE(watch.exceeded(kLimits, 6'299));
  EXPECT_EQ(watch.exceeded(kLimits, 6'300), kLimits.worker);
  watch.begin(moment(2, 0), 7'000);  // it was given this while the look was late
  watch.leave_out(5'000, 7'100);
  EXPECT_EQ(watch.still(7'100), nanoseconds(0));
}

TEST(StillWatch, HoldsACallOfAKernelAgainstTheKernelsLimit) {
  StillWatch watch;
  WorkMoment at = moment(1, 0);
  at.place.call = KernelCall::Update;
  watch.begin(at, 0);
  EXPECT_FALSE(watch.exceeded(kLimits, 99));
  EXPECT_EQ(watch.exceeded(kLimits, 100), kLimits.kernel);
}

}  // namespace
}  // namespace tally::exec

// How jobs end otherwise: nothing to do, cancelled, out of time.
#include "tests/unit/runtime/sched/world.h"

namespace tally::sched::test {
namespace {

JobRequest due(JobRequest request, Nanoseconds deadline_ns) {
  request.deadline_ns = deadline_ns;
  return request;
}

TEST(Ending, AJobWithNoChunksIsDoneAtOnce) {
  for (const Lane lane : {Lane::Inline, Lane::Thread, Lane::Process}) {
    World world;
    JobRequest request = due(job_of(1, 0), 100);
    request.lane = lane;
    EXPECT_EQ(world.submit(request), Lines{"done 1"});
    EXPECT_EQ(world.scheduler().jobs(), 0U);
    EXPECT_FALSE(world.scheduler().next_deadline_ns().has_value());
    world.check();
  }
}

TEST(Ending, CancelInterruptsEverySlotAndEndsTheJobAtOnce) {
  World world;
  for (SlotNumber slot = 0; slot < 3; ++slot) world.ready(process(slot));
  world.submit(job_of(1, 5, 2));
  EXPECT_EQ(world.cancel(1),
            (Lines{"stop 1 on P0", "stop 1 on P1", "end 1: cancelled"}));
  EXPECT_EQ(world.scheduler().jobs(), 0U);
  EXPECT_EQ(world.scheduler().waiting_chunks(), 0U);
  world.check();
}

TEST(Ending, SlotsOfACancelledJobAreFreeOnlyWhenTheyAnswer) {
  World world;
  world.ready(process(0));
  world.ready(process(1));
  world.submit(job_of(1, 2));
  world.cancel(1);
  EXPECT_EQ(world.submit(job_of(2, 3)), Lines{});
  EXPECT_EQ(world.failed(process(1), key_of(1, 1), stopped()), Lines{"P1 runs 2.0#1"});
  EXPECT_EQ(world.done(process(0), key_of(1, 0)),
            (Lines{"drop 1.0#1", "P0 runs 2.1#1"}));
  world.check();
}

TEST(Ending, ASlotThatDiesOfACancelledJobRetriesNothing) {
  World world;
  world.ready(process(0));
  world.submit(job_of(1, 1));
  world.cancel(1);
  EXPECT_EQ(world.gone(process(0), key_of(1, 0)), Lines{});
  world.check();
  EXPECT_EQ(world.ready(process(0)), Lines{});
}

TEST(Ending, AWaitingJobIsCancelledWithoutAnyInterrupt) {
  World world;
  world.submit(job_of(1, 4));
  EXPECT_EQ(world.cancel(1), Lines{"end 1: cancelled"});
  EXPECT_EQ(world.cancel(1), Lines{});
  EXPECT_EQ(world.ready(process(0)), Lines{});
  world.check();
}

TEST(Ending, CancelOfOneJobInABatchInterruptsItsSlotForThatJobAlone) {
  World world;
  world.submit(tiny_job(1));
  world.submit(tiny_job(2));
  world.ready(process(0));
  EXPECT_EQ(world.cancel(2), (Lines{"stop 2 on P0", "end 2: cancelled"}));
  EXPECT_EQ(world.done(process(0), key_of(1, 0)), (Lines{"accept 1.0#1", "done 1"}));
}

TEST(Ending, TheDeadlineInterruptsAndEndsTheJob) {
  World world;
  world.ready(process(0));
  world.submit(due(job_of(1, 3), 1000));
  EXPECT_EQ(world.passed(999), Lines{});
  EXPECT_EQ(world.passed(1000), (Lines{"stop 1 on P0", "end 1: timeout"}));
  EXPECT_EQ(world.job(1).error->errc(), Errc::DeadlineExceeded);
  EXPECT_EQ(world.passed(2000), Lines{});
  EXPECT_EQ(world.failed(process(0), key_of(1, 0), stopped()), Lines{});
  world.check();
}

TEST(Ending, JobsExpireInTheOrderOfTheirDeadlines) {
  World world;
  world.submit(due(job_of(1, 1), 300));
  world.submit(due(job_of(2, 1), 100));
  world.submit(due(job_of(3, 1), 300));
  world.submit(job_of(4, 1));
  EXPECT_EQ(world.scheduler().next_deadline_ns(), 100U);
  EXPECT_EQ(world.passed(250), Lines{"end 2: timeout"});
  EXPECT_EQ(world.scheduler().next_deadline_ns(), 300U);
  EXPECT_EQ(world.passed(5000), (Lines{"end 1: timeout", "end 3: timeout"}));
  EXPECT_FALSE(world.scheduler().next_deadline_ns().has_value());
  EXPECT_EQ(world.scheduler().jobs(), 1U);
  world.check();
}

TEST(Ending, AJobThatEndedEarlierHasNoDeadlineAnyMore) {
  World world;
  world.ready(process(0));
  world.submit(due(job_of(1, 1), 100));
  world.submit(due(job_of(2, 1), 100));
  world.submit(due(job_of(3, 1), 100));
  world.done(process(0), key_of(1, 0));
  world.cancel(3);
  EXPECT_EQ(world.scheduler().next_deadline_ns(), 100U);
  EXPECT_EQ(world.passed(100), (Lines{"stop 2 on P0", "end 2: timeout"}));
  EXPECT_FALSE(world.scheduler().next_deadline_ns().has_value());
}

TEST(Ending, AnExpiredJobsWaitingChunksMakeRoomForOthers) {
  World world;
  world.ready(process(0));
  world.submit(due(job_of(1, 2, 1), 100));
  world.submit(job_of(2, 1));
  world.passed(100);
  EXPECT_EQ(world.failed(process(0), key_of(1, 0), stopped()), Lines{"P0 runs 2.0#1"});
}

}  // namespace
}  // namespace tally::sched::test

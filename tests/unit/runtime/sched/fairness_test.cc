// Who runs next: turns between jobs, limits within a job, lanes apart.
#include "tests/unit/runtime/sched/world.h"

namespace tally::sched::test {
namespace {

TEST(Fairness, AJobNeverHoldsMoreSlotsThanItMay) {
  World world;
  for (SlotNumber slot = 0; slot < 8; ++slot) world.ready(process(slot));
  EXPECT_EQ(world.submit(job_of(1, 10, 3)).size(), 3U);
  EXPECT_EQ(world.slots_of(1), 3U);
  world.check();
  EXPECT_EQ(world.done(process(1), key_of(1, 1)),
            (Lines{"accept 1.1#1", "P1 runs 1.3#1"}));
  EXPECT_EQ(world.slots_of(1), 3U);
}

TEST(Fairness, JobsTakeTurnsAChunkEach) {
  World world;
  world.ready(process(0));
  world.submit(job_of(1, 4));
  world.submit(job_of(2, 4));
  world.submit(job_of(3, 4));
  std::string order = "1";
  ChunkKey last = key_of(1, 0);
  for (int turn = 1; turn < 12; ++turn) {
    world.done(process(0), last);
    last = world.slots().at(process(0)).hand.front();
    order += std::to_string(last.job);
  }
  // The first chunk of job 1 ran before there was anybody else.
  EXPECT_EQ(order, "112312312323");
}

TEST(Fairness, ANewJobNeedNotWaitForALongOne) {
  World world;
  world.ready(process(0));
  world.submit(job_of(1, 1000));
  world.submit(job_of(2, 1));
  world.done(process(0), key_of(1, 0));
  EXPECT_EQ(world.done(process(0), key_of(1, 1)),
            (Lines{"accept 1.1#1", "P0 runs 2.0#1"}));
}

TEST(Fairness, AJobAtItsLimitDoesNotHoldUpTheNext) {
  World world;
  for (SlotNumber slot = 0; slot < 4; ++slot) world.ready(process(slot));
  world.submit(job_of(1, 10, 1));
  EXPECT_EQ(world.submit(job_of(2, 10, 2)), (Lines{"P1 runs 2.0#1", "P2 runs 2.1#1"}));
  EXPECT_EQ(world.submit(job_of(3, 1, 1)), Lines{"P3 runs 3.0#1"});
}

TEST(Fairness, FreeSlotsAreUsedLowestFirst) {
  World world;
  for (const SlotNumber slot : {5U, 2U, 9U}) world.ready(process(slot));
  EXPECT_EQ(world.submit(job_of(1, 3)),
            (Lines{"P2 runs 1.0#1", "P5 runs 1.1#1", "P9 runs 1.2#1"}));
}

TEST(Fairness, LanesDoNotShareSlots) {
  World world;
  world.ready(thread(0));
  EXPECT_EQ(world.submit(job_of(1, 1)), Lines{});
  JobRequest on_thread = job_of(2, 1);
  on_thread.lane = Lane::Thread;
  EXPECT_EQ(world.submit(on_thread), Lines{"T0 runs 2.0#1"});
  EXPECT_EQ(world.ready(process(0)), Lines{"P0 runs 1.0#1"});
}

TEST(Fairness, ASlotReadyTwiceIsStillOneSlot) {
  World world;
  world.ready(process(0));
  world.submit(job_of(1, 2));
  EXPECT_EQ(world.ready(process(0)), Lines{});  // it has work in hand
  world.check();
}

TEST(Fairness, AnInlineJobIsDispatchedAtOnceAndNeedsNoSlot) {
  World world;
  EXPECT_EQ(world.submit(inline_job(1, 2)), (Lines{"I0 runs 1.0#1", "I0 runs 1.1#1"}));
  world.check();
  EXPECT_TRUE(world.scheduler().started(1));
  EXPECT_EQ(world.done(kInline, key_of(1, 1)), Lines{"accept 1.1#1"});
  EXPECT_EQ(world.done(kInline, key_of(1, 1)), Lines{"drop 1.1#1"});
  EXPECT_EQ(world.done(kInline, key_of(1, 0)), (Lines{"accept 1.0#1", "done 1"}));
}

TEST(Fairness, AnInlineChunkThatFailsEndsItsJob) {
  World world;
  world.submit(inline_job(1));
  EXPECT_EQ(world.failed(kInline, key_of(1, 0), bad_cell(0)),
            Lines{"end 1: bad_cell_0"});
}

TEST(Fairness, AJobHasStartedOnceAChunkWasDispatched) {
  World world;
  world.submit(job_of(1, 1));
  EXPECT_FALSE(world.scheduler().started(1));
  EXPECT_FALSE(world.scheduler().started(2));
  EXPECT_EQ(world.scheduler().waiting_chunks(), 1U);
  world.ready(process(0));
  EXPECT_TRUE(world.scheduler().started(1));
  EXPECT_EQ(world.scheduler().waiting_chunks(), 0U);
}

}  // namespace
}  // namespace tally::sched::test

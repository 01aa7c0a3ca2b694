// One budget of cores for threads and worker processes.
#include "tests/unit/runtime/sched/world.h"

namespace tally::sched::test {
namespace {

JobRequest on_threads(JobRequest request) {
  request.lane = Lane::Thread;
  return request;
}

JobRequest that_waits(JobRequest request) {
  request.waits = true;
  return request;
}

// Four slots of each lane are ready.
World world_of(std::uint32_t cores) {
  World world({3, 32, cores});
  for (SlotNumber slot = 0; slot < 4; ++slot) {
    world.ready(thread(slot));
    world.ready(process(slot));
  }
  return world;
}

TEST(Cores, AreOneBudgetForThreadsAndWorkers) {
  World world = world_of(3);
  EXPECT_EQ(world.submit(on_threads(job_of(1, 10, 2))),
            (Lines{"T0 runs 1.0#1", "T1 runs 1.1#1"}));
  EXPECT_EQ(world.submit(job_of(2, 10)), Lines{"P0 runs 2.0#1"});
  EXPECT_EQ(world.scheduler().cores_in_use(), 3U);
  world.check();
  world.run_to_the_end();
  EXPECT_EQ(world.scheduler().cores_in_use(), 0U);
}

TEST(Cores, GoToEachLaneInTurnWhileBothWantOne) {
  World world = world_of(1);
  world.submit(on_threads(job_of(1, 4)));
  world.submit(job_of(2, 2));
  EXPECT_EQ(world.done(thread(0), key_of(1, 0)),
            (Lines{"accept 1.0#1", "P0 runs 2.0#1"}));
  EXPECT_EQ(world.done(process(0), key_of(2, 0)),
            (Lines{"accept 2.0#1", "T0 runs 1.1#1"}));
  EXPECT_EQ(world.done(thread(0), key_of(1, 1)),
            (Lines{"accept 1.1#1", "P0 runs 2.1#1"}));
  EXPECT_EQ(world.done(process(0), key_of(2, 1)),
            (Lines{"accept 2.1#1", "done 2", "T0 runs 1.2#1"}));
  // Alone, a lane has all of them.
  EXPECT_EQ(world.done(thread(0), key_of(1, 2)),
            (Lines{"accept 1.2#1", "T0 runs 1.3#1"}));
}

TEST(Cores, AreNotNeededByWhatWaitsForItsInput) {
  World world = world_of(1);
  world.submit(job_of(1, 2));
  EXPECT_EQ(world.submit(on_threads(that_waits(job_of(2, 2)))),
            (Lines{"T0 runs 2.0#1", "T1 runs 2.1#1"}));
  EXPECT_EQ(world.scheduler().cores_in_use(), 1U);
  // Of one user's jobs, too, those that can go pass those that cannot.
  EXPECT_EQ(world.submit(on_threads(job_of(3, 1))), Lines{});
  EXPECT_EQ(world.submit(on_threads(that_waits(job_of(4, 1)))), Lines{"T2 runs 4.0#1"});
  world.check();
}

TEST(Cores, ABatchOfTinyChunksTakesOne) {
  World world({3, 32, 1});
  world.ready(process(0));
  world.submit(job_of(1, 1));
  for (JobNumber job = 2; job < 6; ++job) world.submit(tiny_job(job));
  EXPECT_EQ(world.done(process(0), key_of(1, 0)).size(), 6U);
  EXPECT_EQ(world.scheduler().cores_in_use(), 1U);
  for (JobNumber job = 2; job < 6; ++job) {
    EXPECT_EQ(world.scheduler().cores_in_use(), 1U);
    world.done(process(0), key_of(job, 0));
  }
  EXPECT_EQ(world.scheduler().cores_in_use(), 0U);
}

TEST(Cores, ABatchWithoutOneTakesNoChunkThatComputes) {
  World world({3, 32, 1});
  world.submit(that_waits(tiny_job(1)));
  world.submit(tiny_job(2));
  world.submit(that_waits(tiny_job(3)));
  EXPECT_EQ(world.ready(process(0)), (Lines{"P0 runs 1.0#1", "P0 runs 3.0#1"}));
  EXPECT_EQ(world.ready(process(1)), Lines{"P1 runs 2.0#1"});
}

TEST(Cores, ComeBackFromASlotThatIsLost) {
  World world = world_of(1);
  world.submit(job_of(1, 1));
  world.submit(on_threads(job_of(2, 1)));
  EXPECT_EQ(world.gone(process(0), key_of(1, 0)),
            (Lines{"retry 1.0#1", "T0 runs 2.0#1"}));
}

TEST(Cores, AreHeldUntilAChunkOfAJobThatEndedHasAnswered) {
  World world = world_of(1);
  world.submit(job_of(1, 1));
  world.submit(job_of(2, 1));
  EXPECT_EQ(world.cancel(1), (Lines{"stop 1 on P0", "end 1: cancelled"}));
  EXPECT_EQ(world.failed(process(0), key_of(1, 0), stopped()), Lines{"P0 runs 2.0#1"});
}

TEST(Cores, AreTakenFromAChunkThatNeverEnds) {
  World world = world_of(1);
  world.submit(on_threads(job_of(1, 1)));
  EXPECT_EQ(world.scheduler().next_deadline_ns(), std::nullopt);  // nobody wants it
  world.submit(job_of(2, 1));
  EXPECT_EQ(world.scheduler().next_deadline_ns(), kCoreLease);
  EXPECT_EQ(world.passed(kCoreLease - 1), Lines{});
  EXPECT_EQ(world.passed(kCoreLease), Lines{"P0 runs 2.0#1"});
  // Its end gives nothing back a second time.
  world.submit(job_of(3, 1));
  EXPECT_EQ(world.done(thread(0), key_of(1, 0)), (Lines{"accept 1.0#1", "done 1"}));
  EXPECT_EQ(world.scheduler().cores_in_use(), 1U);
}

TEST(Cores, ARoundThatMergesNeedsOneWhateverTheFirstDid) {
  World world = world_of(1);
  JobRequest request = that_waits(job_of(1, 1));
  request.more_rounds = true;
  world.submit(request);
  world.submit(job_of(2, 1));
  EXPECT_EQ(world.done(process(0), key_of(1, 0)),
            (Lines{"accept 1.0#1", "round 1 done"}));
  EXPECT_EQ(world.next_round(1, 1), Lines{});
  EXPECT_EQ(world.done(process(1), key_of(2, 0)),
            (Lines{"accept 2.0#1", "done 2", "P0 runs 1r1.0#1"}));
}

}  // namespace
}  // namespace tally::sched::test

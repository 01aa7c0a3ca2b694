// Input that comes bit by bit: chunks wait until theirs is there, and hold nothing.
#include "tests/unit/runtime/sched/world.h"

namespace tally::sched::test {
namespace {

JobRequest partly(JobNumber job, std::uint32_t chunks, std::uint32_t released) {
  JobRequest request = job_of(job, chunks);
  request.released = released;
  return request;
}

TEST(Released, OnlyChunksWhoseInputIsThereAreDispatched) {
  World world;
  for (SlotNumber slot = 0; slot < 4; ++slot) world.ready(process(slot));
  EXPECT_EQ(world.submit(partly(1, 5, 2)), (Lines{"P0 runs 1.0#1", "P1 runs 1.1#1"}));
  world.check();
  EXPECT_EQ(world.scheduler().waiting_chunks(), 3U);
  EXPECT_EQ(world.feed(ChunksReleased{1, 3}), Lines{"P2 runs 1.2#1"});
  EXPECT_EQ(world.feed(ChunksReleased{1, 5}), Lines{"P3 runs 1.3#1"});
  world.run_to_the_end();
}

TEST(Released, NeverFewerThanBefore) {
  World world;
  world.submit(partly(1, 5, 3));
  EXPECT_EQ(world.feed(ChunksReleased{1, 1}), Lines{});
  EXPECT_EQ(world.ready(process(0)), Lines{"P0 runs 1.0#1"});
  EXPECT_EQ(world.ready(process(1)), Lines{"P1 runs 1.1#1"});
  EXPECT_EQ(world.ready(process(2)), Lines{"P2 runs 1.2#1"});
  EXPECT_EQ(world.ready(process(3)), Lines{});
}

TEST(Released, AJobThatWaitsForInputHoldsNoSlotAndNobodyUp) {
  World world;
  world.submit(partly(1, 5, 0));
  world.submit(job_of(2, 1));
  EXPECT_EQ(world.ready(process(0)), Lines{"P0 runs 2.0#1"});
  EXPECT_EQ(world.slots_of(1), 0U);
}

TEST(Released, AJobThatWaitsForInputStandsInNoLineForTokens) {
  World world;
  world.ready(process(0));
  world.submit(with_limits(partly(1, 5, 0), {{"nas", 1}}));
  EXPECT_EQ(world.submit(with_limits(job_of(2, 1), {{"nas", 1}})),
            Lines{"P0 runs 2.0#1"});
}

TEST(Released, ALostChunkRunsAgainWhileOthersWaitForInput) {
  World world;
  world.ready(process(0));
  world.submit(partly(1, 3, 1));
  EXPECT_EQ(world.gone(process(0), key_of(1, 0)), Lines{"retry 1.0#1"});
  EXPECT_EQ(world.ready(process(0)), Lines{"P0 runs 1.0#2"});
  EXPECT_EQ(world.done(process(0), key_of(1, 0, 2)), Lines{"accept 1.0#2"});
  world.run_to_the_end();
}

TEST(Released, AFailureEndsAJobThoughChunksAboveItNeverHadInput) {
  World world;
  world.ready(process(0));
  world.submit(partly(1, 3, 1));
  EXPECT_EQ(world.failed(process(0), key_of(1, 0), bad_cell(0)),
            Lines{"end 1: bad_cell_0"});
}

TEST(Released, ACancelledJobEndsWhileItWaitsForInput) {
  World world;
  world.ready(process(0));
  world.submit(partly(1, 3, 0));
  EXPECT_EQ(world.cancel(1), Lines{"end 1: cancelled"});
  EXPECT_EQ(world.feed(ChunksReleased{1, 3}), Lines{});
}

TEST(Released, ASecondRoundNeedsNoInput) {
  World world;
  world.ready(process(0));
  JobRequest request = partly(1, 1, 0);
  request.more_rounds = true;
  world.submit(request);
  world.feed(ChunksReleased{1, 1});
  EXPECT_EQ(world.done(process(0), key_of(1, 0)),
            (Lines{"accept 1.0#1", "round 1 done"}));
  EXPECT_EQ(world.feed(NextRound{1, Lane::Process, 2, 1, false}),
            Lines{"P0 runs 1r1.0#1"});
  world.run_to_the_end();
}

}  // namespace
}  // namespace tally::sched::test

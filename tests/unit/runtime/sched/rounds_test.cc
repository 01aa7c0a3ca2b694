// Jobs of several rounds: each is a reduction of its own, exactly once.
#include "tests/unit/runtime/sched/world.h"

namespace tally::sched::test {
namespace {

JobRequest of_rounds(JobNumber number, std::uint32_t chunks) {
  JobRequest request = job_of(number, chunks);
  request.more_rounds = true;
  return request;
}

ChunkKey key_in(std::uint32_t round, std::uint32_t chunk, std::uint32_t attempt = 1) {
  return {1, round, chunk, attempt};
}

TEST(Rounds, AJobThatHasMoreIsNotDoneWithTheFirst) {
  World world;
  world.ready(process(0));
  world.submit(of_rounds(1, 1));
  EXPECT_EQ(world.done(process(0), key_of(1, 0)),
            (Lines{"accept 1.0#1", "round 1 done"}));
  world.check();
  EXPECT_EQ(world.next_round(1, 2), (Lines{"P0 runs 1r1.0#1"}));
  EXPECT_EQ(world.done(process(0), key_in(1, 0)),
            (Lines{"accept 1r1.0#1", "P0 runs 1r1.1#1"}));
  EXPECT_EQ(world.done(process(0), key_in(1, 1)), (Lines{"accept 1r1.1#1", "done 1"}));
}

TEST(Rounds, APartialOfARoundThatIsOverIsDropped) {
  World world;
  world.ready(process(0));
  world.submit(of_rounds(1, 1));
  world.done(process(0), key_of(1, 0));
  world.next_round(1, 1);
  EXPECT_EQ(world.done(process(0), key_of(1, 0)), (Lines{"drop 1.0#1"}));
  EXPECT_EQ(world.done(process(0), key_in(1, 0)), (Lines{"accept 1r1.0#1", "done 1"}));
}

TEST(Rounds, BetweenTwoRoundsAJobCanBeCancelled) {
  World world;
  world.ready(process(0));
  world.submit(of_rounds(1, 1));
  world.done(process(0), key_of(1, 0));
  EXPECT_EQ(world.cancel(1), (Lines{"end 1: cancelled"}));
  EXPECT_EQ(world.next_round(1, 1), Lines{});
}

TEST(Rounds, BetweenTwoRoundsAJobCanExpire) {
  World world;
  world.ready(process(0));
  JobRequest request = of_rounds(1, 1);
  request.deadline_ns = 100;
  world.submit(request);
  world.done(process(0), key_of(1, 0));
  EXPECT_EQ(world.passed(100), (Lines{"end 1: timeout"}));
}

TEST(Rounds, ALossInALaterRoundCostsAnAttemptOfThatRound) {
  World world;
  world.ready(process(0));
  world.submit(of_rounds(1, 1));
  world.gone(process(0), key_of(1, 0));
  world.gone(process(0), std::nullopt);
  world.ready(process(0));
  world.done(process(0), key_of(1, 0, 2));
  world.next_round(1, 1);
  EXPECT_EQ(world.gone(process(0), key_in(1, 0)), (Lines{"retry 1r1.0#1"}));
  EXPECT_EQ(world.ready(process(0)), (Lines{"P0 runs 1r1.0#2"}));
  EXPECT_EQ(world.done(process(0), key_in(1, 0, 2)),
            (Lines{"accept 1r1.0#2", "done 1"}));
}

TEST(Rounds, ARoundWithoutChunksIsDoneAtOnce) {
  World world;
  EXPECT_EQ(world.submit(of_rounds(1, 0)), (Lines{"round 1 done"}));
  EXPECT_EQ(world.next_round(1, 0, true), (Lines{"round 1 done"}));
  EXPECT_EQ(world.next_round(1, 0), (Lines{"done 1"}));
}

TEST(Rounds, ARoundThatNobodyWaitsForChangesNothing) {
  World world;
  world.ready(process(0));
  world.submit(of_rounds(1, 2));
  EXPECT_EQ(world.next_round(1, 1), Lines{});
  EXPECT_EQ(world.next_round(7, 1), Lines{});
  world.check();
}

}  // namespace
}  // namespace tally::sched::test

// A chunk that fails: the job's error is that of the lowest one, whatever came first.
#include <algorithm>
#include <array>
#include <numeric>

#include "tests/unit/runtime/sched/world.h"

namespace tally::sched::test {
namespace {

TEST(Failures, OnlyChunkOfAJobEndsItWithItsError) {
  World world;
  world.ready(process(0));
  world.submit(job_of(1, 1));
  EXPECT_EQ(world.failed(process(0), key_of(1, 0), bad_cell(0)),
            Lines{"end 1: bad_cell_0"});
  world.check();
}

TEST(Failures, AFailedChunkIsNotRetried) {
  World world;
  world.ready(process(0));
  world.submit(job_of(1, 3, 1));
  EXPECT_EQ(world.failed(process(0), key_of(1, 0), bad_cell(0)),
            Lines{"end 1: bad_cell_0"});
  EXPECT_EQ(world.scheduler().waiting_chunks(), 0U);
}

TEST(Failures, ChunksAboveAreInterruptedAndThoseBelowRunToTheirEnd) {
  World world;
  for (SlotNumber slot = 0; slot < 4; ++slot) world.ready(process(slot));
  world.submit(job_of(1, 8, 4));
  EXPECT_EQ(world.failed(process(1), key_of(1, 1), bad_cell(1)),
            (Lines{"stop 1 on P2", "stop 1 on P3"}));
  world.check();
  EXPECT_EQ(world.done(process(3), key_of(1, 3)), Lines{"drop 1.3#1"});
  EXPECT_EQ(world.failed(process(2), key_of(1, 2), stopped()), Lines{});
  EXPECT_EQ(world.done(process(0), key_of(1, 0)),
            (Lines{"accept 1.0#1", "end 1: bad_cell_1"}));
}

TEST(Failures, ALostChunkBelowTheFailureRunsAgainBeforeTheJobEnds) {
  World world;
  for (SlotNumber slot = 0; slot < 2; ++slot) world.ready(process(slot));
  world.submit(job_of(1, 4, 2));
  EXPECT_EQ(world.failed(process(1), key_of(1, 1), bad_cell(1)), Lines{});
  EXPECT_EQ(world.gone(process(0), key_of(1, 0)),
            (Lines{"retry 1.0#1", "P1 runs 1.0#2"}));
  EXPECT_EQ(world.done(process(1), key_of(1, 0, 2)),
            (Lines{"accept 1.0#2", "end 1: bad_cell_1"}));
}

TEST(Failures, ALostChunkAboveTheFailureNeitherRunsAgainNorSpendsAnAttempt) {
  World world;
  for (SlotNumber slot = 0; slot < 3; ++slot) world.ready(process(slot));
  world.submit(job_of(1, 3));
  world.failed(process(1), key_of(1, 1), bad_cell(1));
  EXPECT_EQ(world.gone(process(2), key_of(1, 2)), Lines{});
  world.check();
  EXPECT_EQ(world.done(process(0), key_of(1, 0)),
            (Lines{"accept 1.0#1", "end 1: bad_cell_1"}));
}

// All orders in which four chunks can answer, and all choices of which of them fail.
TEST(Failures, TheLowestFailureWinsInAnyOrderOfArrival) {
  std::array<std::uint32_t, 4> order{};
  std::iota(order.begin(), order.end(), 0U);
  do {
    for (std::uint32_t failing = 1; failing < 16; ++failing) {
      World world;
      for (SlotNumber slot = 0; slot < 4; ++slot) world.ready(process(slot));
      world.submit(job_of(1, 6, 4));
      for (const std::uint32_t chunk : order) {
        if (((failing >> chunk) & 1U) != 0)
          world.failed(process(chunk), key_of(1, chunk), bad_cell(chunk));
        else
          world.done(process(chunk), key_of(1, chunk));
        world.check();
      }
      // A lower success can let chunks 4 and 5 run before the failure comes.
      world.run_to_the_end();
      const auto lowest = static_cast<std::uint32_t>(__builtin_ctz(failing));
      ASSERT_TRUE(world.job(1).error.has_value());
      EXPECT_EQ(world.job(1).error->code(), bad_cell(lowest).code());
    }
  } while (std::next_permutation(order.begin(), order.end()));
}

TEST(Failures, SpentAttemptsAboveAFailureDoNotHideIt) {
  World world({1, 32});
  for (SlotNumber slot = 0; slot < 3; ++slot) world.ready(process(slot));
  world.submit(job_of(1, 3));
  EXPECT_EQ(world.gone(process(2), key_of(1, 2)), Lines{});  // waits for 0 and 1
  EXPECT_EQ(world.failed(process(1), key_of(1, 1), bad_cell(1)), Lines{});
  EXPECT_EQ(world.done(process(0), key_of(1, 0)),
            (Lines{"accept 1.0#1", "end 1: bad_cell_1"}));
}

TEST(Failures, ASlotThatAlsoHoldsANeededChunkIsNotInterrupted) {
  World world;
  world.ready(process(0));
  world.ready(process(1));
  world.submit(tiny_job(1, 4));  // P0: 0 1, P1: 2 3
  EXPECT_EQ(world.failed(process(1), key_of(1, 2), bad_cell(2)), Lines{"stop 1 on P1"});
  // P0 goes on with chunk 0; telling P1 again does no harm.
  EXPECT_EQ(world.failed(process(0), key_of(1, 1), bad_cell(1)), Lines{"stop 1 on P1"});
  world.check();
  EXPECT_EQ(world.done(process(0), key_of(1, 0)),
            (Lines{"accept 1.0#1", "end 1: bad_cell_1"}));
  EXPECT_EQ(world.failed(process(1), key_of(1, 3), stopped()), Lines{});
  world.check();
}

TEST(Failures, ABatchHoldingANeededAndADoomedChunkGoesOn) {
  World world;
  world.ready(process(0));
  world.submit(tiny_job(1, 3));
  EXPECT_EQ(world.failed(process(0), key_of(1, 1), bad_cell(1)), Lines{});
  EXPECT_EQ(world.done(process(0), key_of(1, 2)), Lines{"drop 1.2#1"});
  EXPECT_EQ(world.done(process(0), key_of(1, 0)),
            (Lines{"accept 1.0#1", "end 1: bad_cell_1"}));
}

TEST(Failures, OfOneJobLeaveOtherJobsAlone) {
  World world;
  world.ready(process(0));
  world.ready(process(1));
  world.submit(job_of(1, 2, 1));
  world.submit(job_of(2, 2, 1));
  EXPECT_EQ(world.failed(process(0), key_of(1, 0), bad_cell(0)),
            Lines{"end 1: bad_cell_0"});
  world.check();
  world.run_to_the_end();
  EXPECT_FALSE(world.job(2).error.has_value());
}

}  // namespace
}  // namespace tally::sched::test

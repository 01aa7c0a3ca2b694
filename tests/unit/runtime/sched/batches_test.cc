// Tiny jobs share a dispatch: how many, with whom, and how slots divide them.
#include "tests/unit/runtime/sched/world.h"

namespace tally::sched::test {
namespace {

std::size_t in_hand(const World& world, SlotNumber slot) {
  return world.slots().at(process(slot)).hand.size();
}

TEST(Batches, AtMostThirtyTwoTinyJobsShareADispatch) {
  World world;
  for (JobNumber job = 1; job <= 100; ++job) world.submit(tiny_job(job));
  EXPECT_EQ(world.ready(process(0)).size(), 32U);
  EXPECT_EQ(world.slots().at(process(0)).hand.back(), key_of(32, 0));
  world.check();
}

TEST(Batches, TheBoundIsTheOptions) {
  World world({3, 5});
  for (JobNumber job = 1; job <= 9; ++job) world.submit(tiny_job(job));
  EXPECT_EQ(world.ready(process(0)).size(), 5U);
}

TEST(Batches, ALoneTinyJobDoesNotWaitForCompany) {
  World world;
  world.ready(process(0));
  EXPECT_EQ(world.submit(tiny_job(1)), Lines{"P0 runs 1.0#1"});
}

TEST(Batches, TinyJobsAreSharedOutBetweenTheFreeSlots) {
  World shared;
  for (SlotNumber slot = 0; slot < 4; ++slot) shared.ready(process(slot));
  shared.submit(tiny_job(1, 10));
  std::size_t total = 0;
  for (SlotNumber slot = 0; slot < 4; ++slot) {
    EXPECT_GE(in_hand(shared, slot), 2U);
    EXPECT_LE(in_hand(shared, slot), 3U);
    total += in_hand(shared, slot);
  }
  EXPECT_EQ(total, 10U);
}

TEST(Batches, AJobThatIsNotTinyTakesItsSlotAlone) {
  World world;
  world.submit(tiny_job(1));
  world.submit(job_of(2, 1));
  world.submit(tiny_job(3));
  EXPECT_EQ(world.ready(process(0)), Lines{"P0 runs 1.0#1"});
  EXPECT_EQ(world.ready(process(1)), Lines{"P1 runs 2.0#1"});
  EXPECT_EQ(world.ready(process(2)), Lines{"P2 runs 3.0#1"});
}

TEST(Batches, ABatchedSlotIsFreeWhenItsLastChunkHasAnswered) {
  World world;
  for (JobNumber job = 1; job <= 3; ++job) world.submit(tiny_job(job));
  world.ready(process(0));
  world.submit(job_of(4, 1));
  EXPECT_EQ(world.done(process(0), key_of(1, 0)), (Lines{"accept 1.0#1", "done 1"}));
  EXPECT_EQ(world.failed(process(0), key_of(2, 0), bad_cell(0)),
            Lines{"end 2: bad_cell_0"});
  EXPECT_EQ(world.done(process(0), key_of(3, 0)),
            (Lines{"accept 3.0#1", "done 3", "P0 runs 4.0#1"}));
}

TEST(Batches, AnsweredChunksAreNotLostWithTheirSlot) {
  World world;
  for (JobNumber job = 1; job <= 3; ++job) world.submit(tiny_job(job));
  world.ready(process(0));
  world.done(process(0), key_of(1, 0));
  EXPECT_EQ(world.gone(process(0), key_of(2, 0)), Lines{"retry 2.0#1"});
  world.check();
  EXPECT_EQ(world.ready(process(0)), (Lines{"P0 runs 2.0#2", "P0 runs 3.0#2"}));
}

}  // namespace
}  // namespace tally::sched::test

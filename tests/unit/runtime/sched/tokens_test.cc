// Tokens: never more in hand than each job allows, back in every way, in the order of
// asking.
#include "tests/unit/runtime/sched/world.h"

namespace tally::sched::test {
namespace {

JobRequest on_thread(JobRequest request) {
  request.lane = Lane::Thread;
  return request;
}

JobRequest nas_job(JobNumber job, std::uint32_t chunks, std::uint32_t count = 1) {
  return with_limits(job_of(job, chunks), {{"nas", count}});
}

void bring_up(World& world, SlotNumber slots) {
  for (SlotNumber number = 0; number < slots; ++number) {
    world.ready(process(number));
    world.ready(thread(number));
  }
}

TEST(Tokens, NoMoreChunksAreInHandThanAJobAllows) {
  World world;
  bring_up(world, 8);
  EXPECT_EQ(world.submit(nas_job(1, 10, 3)).size(), 3U);
  EXPECT_EQ(world.holding("nas"), 3U);
  world.check();
  EXPECT_EQ(world.done(process(1), key_of(1, 1)),
            (Lines{"accept 1.1#1", "P1 runs 1.3#1"}));
  EXPECT_EQ(world.holding("nas"), 3U);
  world.run_to_the_end();
}

TEST(Tokens, TheyAreSharedByAllJobsThatNameThem) {
  World world;
  bring_up(world, 8);
  EXPECT_EQ(world.submit(nas_job(1, 2, 2)).size(), 2U);
  EXPECT_EQ(world.submit(nas_job(2, 2, 2)), Lines{});
  EXPECT_EQ(world.submit(with_limits(job_of(3, 1), {{"other", 1}})).size(), 1U);
  const auto uses = world.scheduler().tokens();
  ASSERT_EQ(uses.size(), 2U);
  EXPECT_EQ(uses[0], (model::TokenStatus{"nas", 2, 1}));
  EXPECT_EQ(uses[1], (model::TokenStatus{"other", 1, 0}));
  world.run_to_the_end();
  EXPECT_TRUE(world.scheduler().tokens().empty());
}

TEST(Tokens, EachJobKeepsToItsOwnCount) {
  World world;
  bring_up(world, 8);
  EXPECT_EQ(world.submit(nas_job(1, 2, 4)).size(), 2U);
  EXPECT_EQ(world.submit(nas_job(2, 1, 2)), Lines{});
  EXPECT_EQ(world.done(process(0), key_of(1, 0)),
            (Lines{"accept 1.0#1", "P0 runs 2.0#1"}));
  world.run_to_the_end();
}

TEST(Tokens, AJobThatWaitsForThemDoesNotHoldUpOthersBehindIt) {
  World world;
  world.submit(nas_job(1, 5));
  world.submit(nas_job(2, 5));
  world.submit(job_of(3, 2));
  world.ready(process(0));
  EXPECT_EQ(world.ready(process(1)), Lines{"P1 runs 3.0#1"});
  EXPECT_EQ(world.ready(process(2)), Lines{"P2 runs 3.1#1"});
  EXPECT_EQ(world.ready(process(3)), Lines{});
  world.check();
  world.run_to_the_end();
}

TEST(Tokens, OneThatComesBackOnOneLaneGoesToAJobOnTheOther) {
  World world;
  bring_up(world, 1);
  world.submit(nas_job(1, 1));
  EXPECT_EQ(world.submit(on_thread(nas_job(2, 1))), Lines{});
  EXPECT_EQ(world.done(process(0), key_of(1, 0)),
            (Lines{"accept 1.0#1", "done 1", "T0 runs 2.0#1"}));
}

TEST(Tokens, ComeBackWhenAChunkFails) {
  World world;
  bring_up(world, 1);
  world.submit(nas_job(1, 1));
  world.submit(on_thread(nas_job(2, 1)));
  EXPECT_EQ(world.failed(process(0), key_of(1, 0), bad_cell(0)),
            (Lines{"end 1: bad_cell_0", "T0 runs 2.0#1"}));
}

TEST(Tokens, ComeBackWhenASlotIsGone) {
  World world;
  bring_up(world, 1);
  world.submit(nas_job(1, 1));
  world.submit(on_thread(nas_job(2, 1)));
  EXPECT_EQ(world.gone(process(0), key_of(1, 0)),
            (Lines{"retry 1.0#1", "T0 runs 2.0#1"}));
  EXPECT_EQ(world.ready(process(0)), Lines{});  // now it waits for the other
  EXPECT_EQ(world.done(thread(0), key_of(2, 0)),
            (Lines{"accept 2.0#1", "done 2", "P0 runs 1.0#2"}));
}

TEST(Tokens, OfACancelledJobComeBackOnlyWhenItsChunksHaveAnswered) {
  World world;
  bring_up(world, 2);
  world.submit(nas_job(1, 2));
  world.submit(nas_job(2, 1));
  EXPECT_EQ(world.cancel(1), (Lines{"stop 1 on P0", "end 1: cancelled"}));
  EXPECT_EQ(world.holding("nas"), 1U);
  world.check();
  EXPECT_EQ(world.failed(process(0), key_of(1, 0), stopped()), Lines{"P0 runs 2.0#1"});
}

TEST(Tokens, AreGivenInTheOrderOfAsking) {
  World world;
  bring_up(world, 8);
  for (JobNumber job = 1; job <= 4; ++job) world.submit(nas_job(job, 3));
  std::string order;
  while (world.holding("nas") > 0) {
    const ChunkKey key = world.slots().at(process(0)).hand.front();
    order += std::to_string(key.job);
    world.done(process(0), key);
    world.check();
  }
  // Job 1 had asked for its second before there was anybody else.
  EXPECT_EQ(order, "112341234234");
}

TEST(Tokens, AJobThatTakesFewIsNotStarvedByOneThatTakesMany) {
  World world;
  bring_up(world, 8);
  world.submit(nas_job(1, 100, 4));
  world.submit(nas_job(2, 1, 1));
  // Job 1 had asked for its fifth before; then nothing more of it is given out.
  EXPECT_EQ(world.done(process(0), key_of(1, 0)),
            (Lines{"accept 1.0#1", "P0 runs 1.4#1"}));
  for (std::uint32_t chunk = 1; chunk < 4; ++chunk)
    EXPECT_EQ(world.done(process(chunk), key_of(1, chunk)).size(), 1U);
  EXPECT_EQ(world.done(process(0), key_of(1, 4)),
            (Lines{"accept 1.4#1", "P0 runs 2.0#1", "P1 runs 1.5#1", "P2 runs 1.6#1",
                   "P3 runs 1.7#1"}));
  world.run_to_the_end();
}

TEST(Tokens, AJobWithSeveralNamesWaitsForAllAndHoldsNoneMeanwhile) {
  World world;
  bring_up(world, 8);
  world.submit(with_limits(job_of(1, 1), {{"a", 1}}));
  world.submit(with_limits(job_of(2, 1), {{"a", 1}, {"b", 1}}));
  EXPECT_EQ(world.holding("b"), 0U);
  world.submit(with_limits(job_of(3, 1), {{"b", 1}}));  // came after 2
  EXPECT_EQ(world.holding("b"), 0U);
  EXPECT_EQ(world.done(process(0), key_of(1, 0)),
            (Lines{"accept 1.0#1", "done 1", "P0 runs 2.0#1"}));
  EXPECT_EQ(world.done(process(0), key_of(2, 0)),
            (Lines{"accept 2.0#1", "done 2", "P0 runs 3.0#1"}));
}

TEST(Tokens, JobsThatNameThemInDifferentOrdersNeverBlockEachOther) {
  World world;
  bring_up(world, 3);
  const std::vector<std::vector<model::TokenLimit>> orders{
      {{"a", 1}, {"b", 1}}, {{"b", 1}, {"c", 1}}, {{"c", 1}, {"a", 1}}};
  for (JobNumber job = 1; job <= 9; ++job)
    world.submit(with_limits(job_of(job, 4), orders[job % 3]));
  world.run_to_the_end();
}

TEST(Tokens, ACancelledJobLeavesTheLineToThoseBehindIt) {
  World world;
  bring_up(world, 8);
  world.submit(with_limits(job_of(1, 1), {{"a", 1}}));
  world.submit(with_limits(job_of(2, 1), {{"a", 1}, {"b", 1}}));
  world.submit(with_limits(job_of(3, 1), {{"b", 1}}));
  EXPECT_EQ(world.cancel(2), (Lines{"end 2: cancelled", "P1 runs 3.0#1"}));
}

TEST(Tokens, AJobWhoseWaitingChunksAreCalledOffLeavesTheLine) {
  World world;
  bring_up(world, 8);
  world.submit(with_limits(job_of(1, 2), {{"a", 2}, {"b", 9}}));
  world.submit(with_limits(job_of(2, 1), {{"a", 2}}));
  world.submit(with_limits(job_of(3, 3), {{"c", 1}, {"a", 3}}));
  world.gone(process(1), key_of(1, 1));  // waits again, behind 2 and 3
  EXPECT_EQ(world.failed(process(0), key_of(1, 0), bad_cell(0)).front(),
            "end 1: bad_cell_0");
  world.check();
  world.run_to_the_end();
}

TEST(Tokens, ACountAboveTheSlotsIsNoLimit) {
  World world;
  bring_up(world, 2);
  EXPECT_EQ(world.submit(nas_job(1, 9, 0xFFFFFFFF)).size(), 2U);
  world.run_to_the_end();
}

TEST(Tokens, TinyChunksInOneSlotHoldOneEach) {
  World world;
  world.submit(with_limits(tiny_job(1, 5), {{"nas", 2}}));
  world.submit(tiny_job(2, 3));
  EXPECT_EQ(world.ready(process(0)),
            (Lines{"P0 runs 1.0#1", "P0 runs 2.0#1", "P0 runs 1.1#1", "P0 runs 2.1#1",
                   "P0 runs 2.2#1"}));
  world.run_to_the_end();
}

}  // namespace
}  // namespace tally::sched::test

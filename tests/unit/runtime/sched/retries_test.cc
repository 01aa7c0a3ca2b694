// A chunk that is lost runs again; what it costs, and what is never merged twice.
#include "tests/unit/runtime/sched/world.h"

namespace tally::sched::test {
namespace {

TEST(Retries, ALostRunningChunkRunsAgainElsewhereAndSpendsOneAttempt) {
  World world;
  world.ready(process(0));
  EXPECT_EQ(world.submit(job_of(1, 1)), Lines{"P0 runs 1.0#1"});
  EXPECT_EQ(world.gone(process(0), key_of(1, 0)), Lines{"retry 1.0#1"});
  world.check();
  EXPECT_EQ(world.ready(process(1)), Lines{"P1 runs 1.0#2"});
  EXPECT_EQ(world.done(process(1), key_of(1, 0, 2)), (Lines{"accept 1.0#2", "done 1"}));
}

TEST(Retries, ALostChunkGoesToAFreeSlotAtOnce) {
  World world;
  world.ready(process(0));
  world.submit(job_of(1, 1));
  world.ready(process(1));
  EXPECT_EQ(world.gone(process(0), key_of(1, 0)),
            (Lines{"retry 1.0#1", "P1 runs 1.0#2"}));
}

TEST(Retries, TheThirdLossFailsTheJobAndSaysHowManyAttempts) {
  World world;
  world.submit(job_of(1, 2, 1));
  for (std::uint32_t attempt = 1; attempt <= 2; ++attempt) {
    world.ready(process(0));
    EXPECT_EQ(world.gone(process(0), key_of(1, 0, attempt)),
              Lines{"retry 1.0#" + std::to_string(attempt)});
  }
  world.ready(process(0));
  EXPECT_EQ(world.gone(process(0), key_of(1, 0, 3)), Lines{"end 1: worker_killed"});
  const Error& error = *world.job(1).error;
  EXPECT_EQ(error.errc(), Errc::WorkerLost);
  ASSERT_NE(error.field("attempts"), nullptr);
  EXPECT_EQ(std::get<std::int64_t>(*error.field("attempts")), 3);
  EXPECT_EQ(world.scheduler().waiting_chunks(), 0U);
}

TEST(Retries, OneAttemptMeansTheFirstLossIsTheLast) {
  World world({1, 32});
  world.ready(process(0));
  world.submit(job_of(1, 1));
  EXPECT_EQ(world.gone(process(0), key_of(1, 0)), Lines{"end 1: worker_killed"});
}

TEST(Retries, ADeathThatIsNotTheChunksFaultNeverSpendsAnAttempt) {
  World world;
  world.submit(job_of(1, 1));
  for (std::uint32_t attempt = 1; attempt <= 50; ++attempt) {
    EXPECT_EQ(world.ready(process(0)), Lines{"P0 runs 1.0#" + std::to_string(attempt)});
    EXPECT_EQ(world.gone(process(0), key_of(1, 0, attempt), false), Lines{});
    world.check();
  }
  world.ready(process(0));
  EXPECT_EQ(world.gone(process(0), key_of(1, 0, 51)), Lines{"retry 1.0#51"});
}

TEST(Retries, ASlotLostWhileItRanNothingSpendsNothing) {
  World world;
  world.submit(job_of(1, 1));
  for (std::uint32_t attempt = 1; attempt <= 5; ++attempt) {
    world.ready(process(0));
    EXPECT_EQ(world.gone(process(0), std::nullopt), Lines{});
  }
  EXPECT_TRUE(world.job(1).losses.empty());
}

TEST(Retries, ChunksWaitingBehindTheRunningOneAreQueuedAgainForNothing) {
  World world;
  for (JobNumber job = 1; job <= 3; ++job) world.submit(tiny_job(job));
  // The batch is [1, 2, 3]; each time the first one kills the slot.
  EXPECT_EQ(world.ready(process(0)),
            (Lines{"P0 runs 1.0#1", "P0 runs 2.0#1", "P0 runs 3.0#1"}));
  EXPECT_EQ(world.gone(process(0), key_of(1, 0, 1)), Lines{"retry 1.0#1"});
  world.ready(process(0));
  world.gone(process(0), key_of(1, 0, 2));
  world.ready(process(0));
  EXPECT_EQ(world.gone(process(0), key_of(1, 0, 3)), Lines{"end 1: worker_killed"});
  world.check();
  EXPECT_EQ(world.ready(process(0)), (Lines{"P0 runs 2.0#4", "P0 runs 3.0#4"}));
  world.run_to_the_end();
  EXPECT_FALSE(world.job(2).error || world.job(3).error);
}

TEST(Retries, ThePartialOfALostAttemptIsDroppedAndTheNewOneAccepted) {
  World world;
  world.ready(process(0));
  world.ready(process(1));
  world.submit(job_of(1, 1));
  world.gone(process(0), key_of(1, 0));  // P1 runs attempt 2 now
  EXPECT_EQ(world.done(process(0), key_of(1, 0, 1)), Lines{"drop 1.0#1"});
  EXPECT_EQ(world.done(process(1), key_of(1, 0, 2)), (Lines{"accept 1.0#2", "done 1"}));
}

TEST(Retries, ADuplicatePartialIsDroppedBeforeAndAfterTheJobsEnd) {
  World world;
  world.ready(process(0));
  world.ready(process(1));
  world.submit(job_of(1, 3, 2));
  EXPECT_EQ(world.done(process(0), key_of(1, 0)),
            (Lines{"accept 1.0#1", "P0 runs 1.2#1"}));
  EXPECT_EQ(world.done(process(0), key_of(1, 0)), Lines{"drop 1.0#1"});
  EXPECT_EQ(world.done(process(1), key_of(1, 1)), Lines{"accept 1.1#1"});
  EXPECT_EQ(world.done(process(0), key_of(1, 2)), (Lines{"accept 1.2#1", "done 1"}));
  EXPECT_EQ(world.done(process(0), key_of(1, 2)), Lines{"drop 1.2#1"});
}

TEST(Retries, PartialsAreAcceptedInAnyOrder) {
  World world;
  for (SlotNumber slot = 0; slot < 4; ++slot) world.ready(process(slot));
  world.submit(job_of(1, 4));
  for (const SlotNumber slot : {2U, 0U, 3U})
    EXPECT_EQ(world.done(process(slot), key_of(1, slot)),
              Lines{"accept 1." + std::to_string(slot) + "#1"});
  EXPECT_EQ(world.done(process(1), key_of(1, 1)), (Lines{"accept 1.1#1", "done 1"}));
}

TEST(Retries, APartialFromTheWrongSlotIsDropped) {
  World world;
  world.ready(process(0));
  world.ready(process(1));
  world.submit(job_of(1, 1));
  for (const SlotId wrong : {process(1), process(7), thread(0), kInline})
    EXPECT_EQ(world.done(wrong, key_of(1, 0)), Lines{"drop 1.0#1"});
  EXPECT_EQ(world.done(process(0), key_of(1, 0)), (Lines{"accept 1.0#1", "done 1"}));
}

TEST(Retries, LostChunksRunLowestFirstAndBeforeFreshOnes) {
  World world;
  for (SlotNumber slot = 0; slot < 3; ++slot) world.ready(process(slot));
  world.submit(job_of(1, 6, 3));
  world.gone(process(2), key_of(1, 2));
  world.gone(process(0), key_of(1, 0));
  EXPECT_EQ(world.ready(process(0)), Lines{"P0 runs 1.0#2"});
  EXPECT_EQ(world.ready(process(2)), Lines{"P2 runs 1.2#2"});
  EXPECT_EQ(world.done(process(1), key_of(1, 1)),
            (Lines{"accept 1.1#1", "P1 runs 1.3#1"}));
}

// The slot held nothing that mattered any more, yet it counted against the job.
TEST(Retries, ASlotLostWithCalledOffChunksGivesItsPlaceBack) {
  World world;
  for (SlotNumber slot = 0; slot < 3; ++slot) world.ready(process(slot));
  JobRequest request = tiny_job(1, 7);
  request.parallel = 3;
  world.submit(request);
  ASSERT_EQ(world.slots().at(process(0)).hand.size(), 3U);  // 0 1 2
  ASSERT_EQ(world.slots().at(process(1)).hand.size(), 2U);  // 3 4
  ASSERT_EQ(world.slots().at(process(2)).hand.size(), 1U);  // 5
  world.gone(process(0), key_of(1, 0), false);
  EXPECT_EQ(world.ready(process(0)), Lines{"P0 runs 1.0#2"});
  EXPECT_EQ(world.failed(process(1), key_of(1, 4), bad_cell(4)), Lines{"stop 1 on P2"});
  world.check();
  EXPECT_EQ(world.gone(process(2), key_of(1, 5)), Lines{});
  world.check();
  EXPECT_EQ(world.ready(process(2)), Lines{"P2 runs 1.1#2"});
  world.run_to_the_end();
  EXPECT_EQ(world.job(1).error->code(), "bad_cell_4");
}

TEST(Retries, ALossThatWouldOnlyComeAgainEndsTheJobAtOnce) {
  World world;
  world.ready(process(0));
  world.submit(job_of(1, 2));
  EXPECT_EQ(world.feed(SlotGone{process(0), key_of(1, 0), true, killed(), true}),
            (Lines{"end 1: worker_killed"}));
  world.check();
}

// --- the budget of a job ---

constexpr SchedulerOptions kThreeLosses{3, 32, 64, 3};

// Slot 0 loses each of the next `chunks` chunks once; what the last loss did.
Lines lose_each_once(World& world, std::uint32_t chunks) {
  Lines lines;
  const SlotId slot = process(0);
  world.ready(slot);
  for (std::uint32_t n = 0; n < chunks; ++n) {
    lines = world.gone(slot, world.slots().at(slot).hand.front());
    if (world.job(1).ended) return lines;
    world.ready(slot);
    world.done(slot, world.slots().at(slot).hand.front());
  }
  return lines;
}

TEST(RetryBudget, OnceSpentEndsTheJobAtOnce) {
  World world(kThreeLosses);
  world.submit(job_of(1, 10));
  EXPECT_EQ(lose_each_once(world, 3), Lines{"retry 1.2#1"});
  world.ready(process(9));
  EXPECT_EQ(lose_each_once(world, 1),
            (Lines{"stop 1 on P9", "end 1: retry_budget_spent"}));
  const Error& error = *world.job(1).error;
  EXPECT_EQ(error.errc(), Errc::WorkerLost);
  EXPECT_EQ(std::get<std::int64_t>(*error.field("spent")), 4);
  EXPECT_EQ(std::get<std::int64_t>(*error.field("limit")), 3);
  EXPECT_NE(error.message().find("SIGKILL"), std::string::npos);
  world.check();
}

TEST(RetryBudget, IsOneInTenChunksOfALargeJob) {
  World world(kThreeLosses);
  world.submit(job_of(1, 101));
  EXPECT_EQ(lose_each_once(world, 11), Lines{"retry 1.10#1"});
  EXPECT_EQ(lose_each_once(world, 1), Lines{"end 1: retry_budget_spent"});
}

TEST(RetryBudget, IsNotSpentByWhatIsNotTheChunksFault) {
  World world(kThreeLosses);
  world.submit(job_of(1, 1));
  for (std::uint32_t attempt = 1; attempt <= 20; ++attempt) {
    world.ready(process(0));
    EXPECT_EQ(world.gone(process(0), key_of(1, 0, attempt), false), Lines{});
  }
}

TEST(RetryBudget, IsAnotherInEachRound) {
  World world(kThreeLosses);
  JobRequest request = job_of(1, 3);
  request.more_rounds = true;
  world.submit(request);
  EXPECT_EQ(lose_each_once(world, 3), Lines{"retry 1.2#1"});
  world.next_round(1, 1);
  EXPECT_EQ(world.gone(process(0), ChunkKey{1, 1, 0, 1}), Lines{"retry 1r1.0#1"});
}

TEST(RetryBudget, HoldsForAPartialJobToo) {
  World world({1, 32, 64, 3});
  JobRequest request = job_of(1, 8, 1);
  request.partial = true;
  world.submit(request);
  for (std::uint32_t chunk = 0; chunk < 3; ++chunk) {
    world.ready(process(0));
    EXPECT_EQ(world.gone(process(0), key_of(1, chunk)).size(), 1U);
  }
  world.ready(process(0));
  EXPECT_EQ(world.gone(process(0), key_of(1, 3)), Lines{"end 1: retry_budget_spent"});
}

}  // namespace
}  // namespace tally::sched::test

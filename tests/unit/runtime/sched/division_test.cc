// A chunk whose attempts are spent: divided until its poison is known to the leaf.
#include "tests/unit/runtime/sched/world.h"

namespace tally::sched::test {
namespace {

constexpr SchedulerOptions kOneAttempt{1, 32};

// Slot 0 runs what it is given and dies of parts that hold a poison leaf, until the job
// has ended. Says which parts ran, in order, and what came of them.
Lines run_poisoned(World& world, JobNumber job, std::uint64_t leaves,
                   const std::set<std::uint64_t>& poison) {
  Lines lines;
  const auto add = [&](const Lines& more) {
    lines.insert(lines.end(), more.begin(), more.end());
  };
  add(world.ready(process(0)));
  while (!world.job(job).ended && !::testing::Test::HasFailure()) {
    world.check();
    const ChunkKey key = world.slots().at(process(0)).hand.front();
    const auto& divisions = world.job(job).divisions;
    LeafRange part{0, leaves};
    if (const auto found = divisions.find(key.chunk); found != divisions.end()) {
      const auto& known = found->second;
      part = {known.settled, std::min(known.settled + known.most, known.leaves)};
    }
    const auto killer = poison.lower_bound(part.begin);
    if (killer == poison.end() || *killer >= part.end) {
      add(world.done(process(0), key));
    } else {
      add(world.gone(process(0), key, true, leaves));
      add(world.ready(process(0)));
    }
  }
  return lines;
}

TEST(Division, HalvesAreAlignedToPowersOfTwo) {
  Division division(5);
  EXPECT_EQ(division.next(), (LeafRange{0, 4}));
  EXPECT_TRUE(division.lost());
  EXPECT_EQ(division.next(), (LeafRange{0, 2}));
  EXPECT_TRUE(division.settled());
  EXPECT_EQ(division.next(), (LeafRange{2, 4}));
  EXPECT_TRUE(division.settled());
  EXPECT_EQ(division.next(), (LeafRange{4, 5}));
  EXPECT_FALSE(division.settled());
}

TEST(Division, ALeafIsPoisonOnceItWasLostTwice) {
  Division division(2);
  EXPECT_EQ(division.next(), (LeafRange{0, 1}));
  EXPECT_TRUE(division.lost());
  EXPECT_EQ(division.next(), (LeafRange{0, 1}));
  EXPECT_FALSE(division.lost());
  EXPECT_TRUE(division.settled());
  EXPECT_EQ(division.next(), (LeafRange{1, 2}));
  EXPECT_TRUE(division.lost());  // the other leaf's loss does not count against it
}

TEST(Division, TheThirdLossDividesAChunkThatHasLeaves) {
  World world;
  world.submit(job_of(1, 2, 1));
  for (std::uint32_t attempt = 1; attempt <= 3; ++attempt) {
    world.ready(process(0));
    EXPECT_EQ(world.gone(process(0), key_of(1, 0, attempt), true, 4),
              Lines{"retry 1.0#" + std::to_string(attempt)});
    world.check();
  }
  EXPECT_EQ(world.ready(process(0)), Lines{"P0 runs 1.0#4[0,2)"});
  EXPECT_EQ(world.done(process(0), key_of(1, 0, 4)),
            (Lines{"accept 1.0#4[0,2)", "P0 runs 1.0#5[2,4)"}));
  // Not reproducible: the job is done.
  EXPECT_EQ(world.done(process(0), key_of(1, 0, 5)),
            (Lines{"accept 1.0#5[2,4)", "P0 runs 1.1#1"}));
  EXPECT_EQ(world.done(process(0), key_of(1, 1)), (Lines{"accept 1.1#1", "done 1"}));
}

TEST(Division, APoisonLeafFailsTheJobOnceItIsAlone) {
  World world(kOneAttempt);
  world.submit(job_of(1, 1));
  EXPECT_EQ(
      run_poisoned(world, 1, 4, {2}),
      (Lines{"P0 runs 1.0#1", "retry 1.0#1", "P0 runs 1.0#2[0,2)", "accept 1.0#2[0,2)",
             "P0 runs 1.0#3[2,4)", "retry 1.0#3", "P0 runs 1.0#4[2,3)", "retry 1.0#4",
             "P0 runs 1.0#5[2,3)", "end 1: worker_killed"}));
  const Error& error = *world.job(1).error;
  EXPECT_EQ(std::get<std::int64_t>(*error.field("attempts")), 4);
}

TEST(Division, APartialJobLeavesThePoisonLeafOut) {
  World world(kOneAttempt);
  JobRequest request = job_of(1, 1);
  request.partial = true;
  world.submit(request);
  EXPECT_EQ(run_poisoned(world, 1, 3, {0}),
            (Lines{"P0 runs 1.0#1", "retry 1.0#1", "P0 runs 1.0#2[0,2)", "retry 1.0#2",
                   "P0 runs 1.0#3[0,1)", "retry 1.0#3", "P0 runs 1.0#4[0,1)",
                   "missing 1.0[0,1): worker_killed", "P0 runs 1.0#5[1,2)",
                   "accept 1.0#5[1,2)", "P0 runs 1.0#6[2,3)", "accept 1.0#6[2,3)",
                   "done 1"}));
}

// Every set of poison leaves of chunks of every small size: exactly those are missing.
TEST(Division, ExactlyThePoisonIsMissing) {
  for (std::uint64_t leaves = 2; leaves <= 9; ++leaves) {
    for (std::uint64_t set = 0; set < (1ULL << leaves); ++set) {
      std::set<std::uint64_t> poison;
      std::set<std::string> expected;
      for (std::uint64_t leaf = 0; leaf < leaves; ++leaf) {
        if (((set >> leaf) & 1U) == 0) continue;
        poison.insert(leaf);
        expected.insert("missing 1.0[" + std::to_string(leaf) + "," +
                        std::to_string(leaf + 1) + "): worker_killed");
      }
      World world(kOneAttempt);
      JobRequest request = job_of(1, 1);
      request.partial = true;
      world.submit(request);
      std::set<std::string> missing;
      for (const std::string& line : run_poisoned(world, 1, leaves, poison))
        if (line.rfind("missing", 0) == 0) {
          EXPECT_TRUE(missing.insert(line).second);
        }
      EXPECT_EQ(missing, expected);
      ASSERT_FALSE(HasFailure()) << leaves << " leaves, poison set " << set;
    }
  }
}

TEST(Division, ALossThatSpendsNoAttemptDividesNothing) {
  World world(kOneAttempt);
  world.submit(job_of(1, 1));
  world.ready(process(0));
  EXPECT_EQ(world.gone(process(0), key_of(1, 0, 1), false, 4), Lines{});
  world.ready(process(0));
  world.gone(process(0), key_of(1, 0, 2), true, 4);
  EXPECT_EQ(world.ready(process(0)), Lines{"P0 runs 1.0#3[0,2)"});
  EXPECT_EQ(world.gone(process(0), key_of(1, 0, 3), false, 4), Lines{});
  EXPECT_EQ(world.ready(process(0)), Lines{"P0 runs 1.0#4[0,2)"});
}

TEST(Division, AfterALastAttemptThereIsNone) {
  World world(kOneAttempt);
  world.submit(job_of(1, 1));
  JobRequest request = job_of(2, 2);
  request.partial = true;
  world.submit(request);
  world.ready(process(0));
  EXPECT_EQ(world.feed(SlotGone{process(0), key_of(1, 0), true, killed(), true, 4}),
            Lines{"end 1: worker_killed"});
  world.ready(process(0));
  EXPECT_EQ(world.feed(SlotGone{process(0), key_of(2, 0), true, killed(), true, 4}),
            Lines{"missing 2.0[0,4): worker_killed"});
  world.check();
  world.ready(process(0));
  world.gone(process(0), key_of(2, 1), true, 4);
  EXPECT_EQ(world.ready(process(0)), Lines{"P0 runs 2.1#2[0,2)"});
  EXPECT_EQ(world.feed(SlotGone{process(0), key_of(2, 1, 2), true, killed(), true, 4}),
            Lines{"missing 2.1[0,2): worker_killed"});
  world.run_to_the_end();
  EXPECT_FALSE(world.job(2).error);
}

TEST(Division, TooManyMissingRangesFailAPartialJob) {
  World world(kOneAttempt);
  JobRequest request = job_of(1, kMostMissing + 2, 1);
  request.partial = true;
  world.submit(request);
  for (std::uint32_t chunk = 0; chunk < kMostMissing; ++chunk) {
    world.ready(process(0));
    EXPECT_EQ(world.gone(process(0), key_of(1, chunk)),
              Lines{"missing 1." + std::to_string(chunk) + "[0,1): worker_killed"});
  }
  world.ready(process(0));
  EXPECT_EQ(world.gone(process(0), key_of(1, kMostMissing)),
            Lines{"end 1: worker_killed"});
  EXPECT_NE(world.job(1).error->field("missing"), nullptr);
}

TEST(Division, OfALaterRoundLeavesNothingOut) {
  World world(kOneAttempt);
  JobRequest request = job_of(1, 1);
  request.partial = request.more_rounds = true;
  world.submit(request);
  world.ready(process(0));
  EXPECT_EQ(world.gone(process(0), key_of(1, 0)),
            (Lines{"missing 1.0[0,1): worker_killed", "round 1 done"}));
  world.ready(process(0));
  world.next_round(1, 1);
  EXPECT_EQ(world.gone(process(0), ChunkKey{1, 1, 0, 1}),
            Lines{"end 1: worker_killed"});
}

TEST(Division, AFailureBelowCallsTheRestOfItOff) {
  World world(kOneAttempt);
  world.ready(process(0));
  world.submit(job_of(1, 2));
  world.ready(process(1));
  EXPECT_EQ(world.gone(process(1), key_of(1, 1), true, 8), Lines{"retry 1.1#1"});
  EXPECT_EQ(world.ready(process(1)), Lines{"P1 runs 1.1#2[0,4)"});
  EXPECT_EQ(world.failed(process(0), key_of(1, 0), bad_cell(0)),
            (Lines{"stop 1 on P1", "end 1: bad_cell_0"}));
  EXPECT_EQ(world.done(process(1), key_of(1, 1, 2)), Lines{"drop 1.1#2"});
  world.check();
}

TEST(Division, APartIsAcceptedOnceAndOnlyFromItsOwnAttempt) {
  World world(kOneAttempt);
  world.submit(job_of(1, 1));
  world.ready(process(0));
  world.gone(process(0), key_of(1, 0, 1), true, 2);
  world.ready(process(0));
  EXPECT_EQ(world.done(process(0), key_of(1, 0, 1)), Lines{"drop 1.0#1"});
  EXPECT_EQ(world.done(process(0), key_of(1, 0, 2)),
            (Lines{"accept 1.0#2[0,1)", "P0 runs 1.0#3[1,2)"}));
  EXPECT_EQ(world.done(process(0), key_of(1, 0, 2)), Lines{"drop 1.0#2"});
  world.run_to_the_end();
}

// The last of the parts is lost, and no leaf is to blame for it.
Lines lose_without_blame(World& world, bool partial) {
  JobRequest request = job_of(1, 1);
  request.partial = partial;
  world.submit(request);
  world.ready(process(0));
  world.gone(process(0), key_of(1, 0), true, 8);
  world.ready(process(0));
  EXPECT_EQ(world.done(process(0), key_of(1, 0, 2)),
            (Lines{"accept 1.0#2[0,4)", "P0 runs 1.0#3[4,8)"}));
  world.gone(process(0), key_of(1, 0, 3), true, 8);
  EXPECT_EQ(world.ready(process(0)), Lines{"P0 runs 1.0#4[4,6)"});
  return world.gone(process(0), key_of(1, 0, 4), true, 1);
}

TEST(Division, EndsWithALossForWhichNoLeafIsToBlame) {
  World world(kOneAttempt);
  EXPECT_EQ(lose_without_blame(world, false), Lines{"end 1: worker_killed"});
}

TEST(Division, OfAPartialJobThenGoesWithoutAllThatIsLeft) {
  World world(kOneAttempt);
  EXPECT_EQ(lose_without_blame(world, true),
            (Lines{"missing 1.0[4,8): worker_killed", "done 1"}));
}

}  // namespace
}  // namespace tally::sched::test

// A chunk that goes on for too long ends its job; what of the job does not matter any
// more is interrupted, what lies below runs to its end.
#include "tests/unit/runtime/sched/world.h"

namespace tally::sched::test {
namespace {

constexpr Nanoseconds kLimit = 100'000'000;
constexpr SchedulerOptions kLimited{3, 32, 64, 1000, kLimit};

TEST(ChunkTimeout, FailsTheJobAndInterruptsTheSlot) {
  World world(kLimited);
  world.ready(process(0));
  world.submit(job_of(1, 2));
  world.submit(job_of(2, 1));
  EXPECT_EQ(world.scheduler().next_deadline_ns(), kLimit);
  EXPECT_EQ(world.passed(kLimit - 1), Lines{});
  EXPECT_EQ(world.passed(kLimit), (Lines{"stop 1 on P0", "end 1: chunk_timeout"}));
  const Error& error = *world.job(1).error;
  EXPECT_EQ(error.errc(), Errc::DeadlineExceeded);
  EXPECT_EQ(std::get<std::int64_t>(*error.field("chunk")), 0);
  EXPECT_EQ(std::get<std::int64_t>(*error.field("limit_ms")), 100);
  // The slot is not free before it has stopped.
  EXPECT_EQ(world.scheduler().next_deadline_ns(), std::nullopt);
  EXPECT_EQ(world.failed(process(0), key_of(1, 0), stopped()), Lines{"P0 runs 2.0#1"});
  EXPECT_EQ(world.scheduler().next_deadline_ns(), 2 * kLimit);
}

TEST(ChunkTimeout, LetsChunksBelowRunToTheirEnd) {
  World world(kLimited);
  world.ready(process(0));
  world.ready(process(1));
  world.submit(job_of(1, 3));
  world.passed(kLimit / 2);
  world.gone(process(0), key_of(1, 0));
  EXPECT_EQ(world.ready(process(0)), Lines{"P0 runs 1.0#2"});
  EXPECT_EQ(world.passed(kLimit), Lines{"stop 1 on P1"});
  EXPECT_EQ(world.done(process(0), key_of(1, 0, 2)),
            (Lines{"accept 1.0#2", "end 1: chunk_timeout"}));
}

TEST(ChunkTimeout, CountsFromWhenTheSlotComesToTheChunk) {
  World world(kLimited);
  for (JobNumber job = 1; job <= 2; ++job) world.submit(tiny_job(job));
  world.ready(process(0));
  world.passed(kLimit - 1);
  world.done(process(0), key_of(1, 0));
  EXPECT_EQ(world.passed(kLimit), Lines{});
  EXPECT_EQ(world.passed(2 * kLimit - 1),
            (Lines{"stop 2 on P0", "end 2: chunk_timeout"}));
}

TEST(ChunkTimeout, OfASlotThatIsLostIsForgotten) {
  World world(kLimited);
  world.ready(process(0));
  world.submit(job_of(1, 1));
  world.gone(process(0), key_of(1, 0));
  EXPECT_EQ(world.scheduler().next_deadline_ns(), std::nullopt);
  EXPECT_EQ(world.passed(kLimit), Lines{});
}

TEST(ChunkTimeout, OfALaterRoundNamesTheChunkIfThatReadsInput) {
  for (const bool reads_input : {true, false}) {
    World world(kLimited);
    world.ready(process(0));
    JobRequest request = job_of(1, 1);
    request.more_rounds = true;
    world.submit(request);
    world.done(process(0), key_of(1, 0));
    world.feed(NextRound{1, Lane::Process, 1, 1, false, reads_input});
    EXPECT_EQ(world.passed(kLimit), (Lines{"stop 1 on P0", "end 1: chunk_timeout"}));
    EXPECT_EQ(world.job(1).error->field("chunk") != nullptr, reads_input);
  }
}

TEST(ChunkTimeout, AnAnswerThatComesAllTheSameIsDropped) {
  World world(kLimited);
  world.ready(process(0));
  world.submit(job_of(1, 1));
  world.passed(kLimit);
  EXPECT_EQ(world.done(process(0), key_of(1, 0)), Lines{"drop 1.0#1"});
}

TEST(ChunkTimeout, ThereIsNoneUnlessItIsAskedFor) {
  World world;
  world.ready(process(0));
  world.submit(job_of(1, 1));
  EXPECT_EQ(world.scheduler().next_deadline_ns(), std::nullopt);
}

}  // namespace
}  // namespace tally::sched::test

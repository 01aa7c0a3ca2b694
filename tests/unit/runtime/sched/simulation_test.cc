// A long invented day: jobs of every kind, slots that come, die and answer late,
// duplicates and lies, cancellations and deadlines, in virtual time. World checks each
// action; at the end every job has ended exactly once.
#include <random>

#include "tests/unit/runtime/sched/world.h"

namespace tally::sched::test {
namespace {

class Day {
 public:
  explicit Day(std::uint64_t seed) : random_(seed) {}

  void live(std::size_t events);
  std::size_t jobs_made() const { return next_job_ - 1; }
  const World& world() const { return world_; }

 private:
  std::uint32_t below(std::uint32_t bound) {
    return static_cast<std::uint32_t>(random_() % bound);
  }
  SlotId any_slot() { return below(3) == 0 ? thread(below(6)) : process(below(6)); }
  // A slot with something in hand; none if all idle.
  std::optional<SlotId> busy_slot();
  void step();
  void submit();
  void answer();
  void lie();
  void next_round();
  void release();

  std::mt19937_64 random_;
  World world_;
  Nanoseconds now_ns_ = 1;
  JobNumber next_job_ = 1;
  std::vector<std::pair<SlotId, ChunkKey>> answered_;  // to be repeated later
};

std::optional<SlotId> Day::busy_slot() {
  std::vector<SlotId> busy;
  for (const auto& [slot, known] : world_.slots())
    if (!known.hand.empty()) busy.push_back(slot);
  if (busy.empty()) return std::nullopt;
  return busy[below(static_cast<std::uint32_t>(busy.size()))];
}

void Day::submit() {
  JobRequest request = job_of(next_job_++, below(20), 1 + below(5));
  request.tiny = below(3) == 0;
  request.lane = below(8) == 0   ? Lane::Inline
                 : below(3) == 0 ? Lane::Thread
                                 : Lane::Process;
  if (request.lane == Lane::Inline) request.chunks = below(3);
  request.more_rounds = below(3) == 0;
  request.partial = below(2) == 0;
  request.uid = below(5);
  request.priority = static_cast<std::int32_t>(below(4));
  if (below(3) == 0) request.released = below(4);
  // Few tokens and many who want them, so that lines form.
  for (const char* name : {"nas", "db", "gpu"})
    if (below(4) == 0) request.limits.push_back({name, 1 + below(4)});
  if (below(4) == 0) request.deadline_ns = now_ns_ + 1 + below(400);
  world_.submit(request);
}

void Day::answer() {
  const std::optional<SlotId> slot = busy_slot();
  if (!slot) return;
  const auto& hand = world_.slots().at(*slot).hand;
  const ChunkKey key = hand[below(static_cast<std::uint32_t>(hand.size()))];
  const auto& job = world_.job(key.job);
  const bool doomed = job.ended || key.chunk >= job.limit;
  if (doomed && below(2) == 0) {
    world_.failed(*slot, key, stopped());
  } else if (below(60) == 0) {
    world_.failed(*slot, key, bad_cell(key.chunk));
  } else {
    world_.done(*slot, key);
    answered_.emplace_back(*slot, key);
  }
}

// For a job that waits for it, or now and then for one that does not.
void Day::next_round() {
  JobNumber chosen = 1 + below(static_cast<std::uint32_t>(next_job_));
  for (const auto& [number, job] : world_.jobs())
    if (job.between_rounds && !job.ended && below(8) != 0) chosen = number;
  const auto lane = below(16) == 0  ? Lane::Inline
                    : below(3) == 0 ? Lane::Thread
                                    : Lane::Process;
  world_.feed(NextRound{chosen, lane, below(6), 1 + below(4), below(3) == 0});
}

// Some chunks' input, of a job that waits for it as a rule.
void Day::release() {
  JobNumber chosen = 1 + below(static_cast<std::uint32_t>(next_job_));
  for (const auto& [number, job] : world_.jobs())
    if (job.request.released < job.limit && !job.ended && below(4) != 0)
      chosen = number;
  world_.feed(ChunksReleased{chosen, below(24)});
}

// Repeats an old answer, or invents one.
void Day::lie() {
  if (!answered_.empty() && below(2) == 0) {
    const auto& [slot, key] =
        answered_[below(static_cast<std::uint32_t>(answered_.size()))];
    world_.done(slot, key);
    return;
  }
  ChunkKey key = key_of(1 + below(static_cast<std::uint32_t>(next_job_) + 3), below(22),
                        1 + below(4));
  key.round = below(3);
  const SlotId slot = any_slot();
  if (world_.holds(slot, key)) return;
  if (below(2) == 0) {
    world_.done(slot, key);
  } else {
    world_.failed(slot, key, bad_cell(key.chunk));
  }
}

void Day::step() {
  now_ns_ += below(3);
  const std::uint32_t what = below(100);
  if (what < 4) {
    submit();
  } else if (what < 8) {
    next_round();
  } else if (what < 12) {
    release();
  } else if (what < 70) {
    answer();
  } else if (what < 84) {
    world_.ready(any_slot());
  } else if (what < 89) {
    const SlotId slot = any_slot();
    std::optional<ChunkKey> running;
    const auto known = world_.slots().find(slot);
    if (known != world_.slots().end() && !known->second.hand.empty())
      running = known->second.hand.front();
    world_.gone(slot, running, below(4) != 0, 1 + below(6));
  } else if (what < 96) {
    lie();
  } else if (what < 98) {
    if (below(4) == 0) world_.cancel(1 + below(static_cast<std::uint32_t>(next_job_)));
  } else {
    world_.passed(now_ns_);
  }
}

void Day::live(std::size_t events) {
  for (std::size_t i = 0; i < events && !::testing::Test::HasFailure(); ++i) {
    step();
    if (i % 64 == 0) world_.check();
  }
  world_.check();
  world_.run_to_the_end();
}

class Simulation : public ::testing::TestWithParam<std::uint64_t> {};

TEST_P(Simulation, EveryJobEndsOnceAndEveryChunkIsAcceptedAtMostOnce) {
  Day day(GetParam());
  day.live(10'000);
  EXPECT_GT(day.jobs_made(), 250U);
  std::size_t done = 0;
  std::size_t failed = 0;
  std::size_t rounds = 0;
  for (const auto& [number, job] : day.world().jobs()) {
    EXPECT_TRUE(job.ended);
    ++(job.error ? failed : done);
    if (!job.error) rounds += job.round;
    if (job.error) continue;
    EXPECT_EQ(job.accepted.size(), job.request.chunks);
  }
  // A day on which nothing goes right, or nothing wrong, shows nothing.
  EXPECT_GT(done, 20U);
  EXPECT_GT(failed, 20U);
  EXPECT_GT(rounds, 20U);
}

INSTANTIATE_TEST_SUITE_P(Seeds, Simulation, ::testing::Range<std::uint64_t>(1, 21));

}  // namespace
}  // namespace tally::sched::test

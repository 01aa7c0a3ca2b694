// Shares of users, priorities of a user's jobs, and how long each of them waits.
#include "runtime/sched/turns.h"

#include <limits>
#include <random>

#include "tests/unit/runtime/sched/world.h"

namespace tally::sched::test {
namespace {

JobRequest of_user(std::uint32_t uid, JobRequest request, std::int32_t priority = 0) {
  request.uid = uid;
  request.priority = priority;
  return request;
}

// What slot 0 runs, a job a letter or digit, for so many chunks.
std::string order(World& world, std::size_t chunks) {
  std::string jobs;
  for (std::size_t i = 0; i < chunks; ++i) {
    const ChunkKey key = world.slots().at(process(0)).hand.front();
    jobs += std::to_string(key.job);
    world.done(process(0), key);
    world.check();
  }
  return jobs;
}

TEST(Shares, AUserWithManyJobsHasNoMoreThanOneWithOne) {
  World world;
  for (JobNumber job = 1; job <= 3; ++job) world.submit(of_user(7, job_of(job, 100)));
  world.submit(of_user(8, job_of(9, 100)));
  world.ready(process(0));
  EXPECT_EQ(order(world, 12), "192939192939");
}

TEST(Shares, AUserWhoComesStartsLevelAndIsOwedNothing) {
  World world;
  world.submit(of_user(1, job_of(1, 100)));
  world.ready(process(0));
  EXPECT_EQ(order(world, 50), std::string(50, '1'));
  world.submit(of_user(2, job_of(2, 100)));
  EXPECT_EQ(order(world, 7), "1212121");
}

TEST(Shares, AUserWhoLeavesAndComesBackGainsNothing) {
  World world;
  world.submit(of_user(1, job_of(1, 100)));
  world.ready(process(0));
  std::string all;
  // User 2 has one chunk at a time, asked for whenever the last one has ended.
  for (JobNumber job = 2; job < 10; ++job) {
    world.submit(of_user(2, job_of(job, 1)));
    while (!world.job(job).ended) all += order(world, 1);
  }
  EXPECT_EQ(all, "1213141516171819");
}

TEST(Shares, PriorityCountsAmongAUsersOwnJobsOnly) {
  World world;
  world.submit(of_user(1, job_of(1, 100), 0));
  world.submit(of_user(2, job_of(2, 100), 1000));
  world.ready(process(0));
  EXPECT_EQ(order(world, 6), "121212");
}

TEST(Shares, ABatchOfTinyJobsIsOneTurn) {
  World world({3, 4});
  world.submit(of_user(1, tiny_job(1, 8)));
  world.submit(of_user(2, job_of(2, 4)));
  EXPECT_EQ(world.ready(process(0)).size(), 4U);
  EXPECT_EQ(world.ready(process(1)), Lines{"P1 runs 2.0#1"});
  EXPECT_EQ(world.ready(process(2)).size(), 4U);
  EXPECT_EQ(world.ready(process(3)), Lines{"P3 runs 2.1#1"});
}

TEST(Shares, TinyJobsOfSeveralUsersShareADispatch) {
  World world;
  for (std::uint32_t user = 1; user <= 3; ++user)
    world.submit(of_user(user, tiny_job(user)));
  EXPECT_EQ(world.ready(process(0)),
            (Lines{"P0 runs 1.0#1", "P0 runs 2.0#1", "P0 runs 3.0#1"}));
}

TEST(Priorities, TheHigherOneGoesFirst) {
  World world;
  world.submit(of_user(1, job_of(1, 2), -1));
  world.submit(of_user(1, job_of(2, 2), 5));
  world.submit(of_user(1, job_of(3, 2), 0));
  world.ready(process(0));
  EXPECT_EQ(order(world, 6), "223311");
}

TEST(Priorities, AgeSoThatTheLowerOneHasItsChunk) {
  World world;
  world.ready(process(0));
  world.submit(of_user(1, job_of(1, 100), 2));
  world.submit(of_user(1, job_of(2, 100), 0));
  EXPECT_EQ(order(world, 3), "111");
  world.passed(2 * kAgeing - 1);
  EXPECT_EQ(order(world, 3), "111");
  world.passed(2 * kAgeing + 1);
  // Job 1 joined just before 2 came of age; after that one, job 2 is the oldest.
  EXPECT_EQ(order(world, 5), "11211");
}

TEST(Priorities, OfAnySizeAreInOrder) {
  Turns turns;
  constexpr std::int32_t kLow = std::numeric_limits<std::int32_t>::min();
  constexpr std::int32_t kHigh = std::numeric_limits<std::int32_t>::max();
  turns.join(1, 1, kLow, true, 1);
  turns.join(2, 1, kHigh, true, 1'000'000 * kAgeing);
  EXPECT_EQ(turns.next(true), 2U);
}

// What slot 0 runs takes as long as its user's chunks do: ms of each user, after `ms`.
std::map<std::uint32_t, Nanoseconds> time_of(
    World& world, const std::map<std::uint32_t, Nanoseconds>& chunk_ms,
    Nanoseconds ms) {
  std::map<std::uint32_t, Nanoseconds> had;
  Nanoseconds now = 0;
  while (now < ms) {
    const ChunkKey key = world.slots().at(process(0)).hand.front();
    const std::uint32_t uid = world.job(key.job).request.uid;
    had[uid] += chunk_ms.at(uid);
    now += chunk_ms.at(uid);
    world.passed(now * 1'000'000);
    world.done(process(0), key);
  }
  return had;
}

TEST(Shares, AreOfTimeHoweverLongAUsersChunksTake) {
  World world;
  world.submit(of_user(1, job_of(1, 100)));
  world.submit(of_user(2, job_of(2, 10'000)));
  world.ready(process(0));
  const auto had = time_of(world, {{1, 1000}, {2, 10}}, 40'000);
  EXPECT_NEAR(static_cast<double>(had.at(1)), 20'000, 1'000);
  EXPECT_NEAR(static_cast<double>(had.at(2)), 20'000, 1'000);
}

TEST(Shares, AUserWhoComesHasTheNextTurnWhateverOthersHaveHad) {
  World world;
  world.submit(of_user(1, job_of(1, 1000)));
  world.ready(process(0));
  time_of(world, {{1, 10}}, 500);
  world.submit(of_user(2, job_of(2, 1)));
  world.done(process(0), world.slots().at(process(0)).hand.front());
  EXPECT_EQ(world.slots().at(process(0)).hand.front().job, 2U);
}

// A worker that dies takes its hand along: who had not begun has had nothing.
TEST(Shares, ChunksThatWereNotBegunCostNothing) {
  World world;
  for (JobNumber job = 1; job <= 3; ++job)
    world.submit(of_user(static_cast<std::uint32_t>(job), tiny_job(job, 1)));
  world.ready(process(0));
  world.passed(1'000'000'000);
  world.gone(process(0), key_of(1, 0));
  EXPECT_EQ(world.ready(process(1)),
            (Lines{"P1 runs 2.0#2", "P1 runs 3.0#2", "P1 runs 1.0#2"}));
}

// turns.h: what other users have before a turn of one's own; and once a job has come of
// age, at most a chunk of each of its user's jobs before its own.
TEST(Waiting, IsBoundedAsStated) {
  constexpr std::uint32_t kUsers = 6;
  constexpr std::uint32_t kJobs = 8;  // a user's
  constexpr std::int32_t kHighest = 3;
  struct Standing {
    const Turns::Place* place = nullptr;
    std::int32_t priority = 0;
    Nanoseconds since_ns = 0;
    std::uint32_t chunks_since_of_age = 0;
  };
  std::mt19937_64 random(1);
  Turns turns;
  std::map<std::pair<std::uint32_t, Turns::JobNumber>, Standing> line;
  std::map<std::uint32_t, std::map<std::uint32_t, Nanoseconds>> before;
  std::map<std::uint32_t, Nanoseconds> last_turn;
  Nanoseconds now = 0;
  std::size_t of_age = 0;
  std::size_t repeated = 0;
  for (int step = 0; step < 200'000; ++step) {
    now += random() % (kAgeing / 8);
    const auto uid = static_cast<std::uint32_t>(random() % kUsers);
    const Turns::JobNumber job = uid * kJobs + random() % kJobs;
    if (random() % 2 == 0) {
      if (line.contains({uid, job})) continue;
      const auto priority = static_cast<std::int32_t>(random() % (kHighest + 1));
      line[{uid, job}] = {turns.join(job, uid, priority, job % 2 == 0, now), priority,
                          now, 0};
      before.try_emplace(uid);
    } else if (turns.any(true)) {
      const Turns::JobNumber next = turns.next(true);
      const auto user = static_cast<std::uint32_t>(next / kJobs);
      const Standing served = line.at({user, next});
      // Users differ: of 10 ms, 20 ms, 40 ms, … a chunk, at most. Estimates are wrong.
      const Nanoseconds took = random() % (Nanoseconds{10} << user);
      const Nanoseconds estimate = random() % 1000;
      turns.served(user, estimate);
      turns.end_turn();
      turns.leave(served.place);
      turns.ended(user, estimate, took);
      line.erase({user, next});
      before.erase(user);
      if (line.lower_bound({user, 0}) != line.lower_bound({user + 1, 0})) before[user];
      for (auto& [other, of_user] : before) {
        if (other == user) continue;
        EXPECT_LE(of_user[user], last_turn[other]);
        repeated += of_user[user] > 0 ? 1 : 0;
        of_user[user] += took;
      }
      last_turn[user] = took;
      for (auto& [key, other] : line) {
        const auto steps = static_cast<Nanoseconds>(kHighest - other.priority);
        if (key.first != user || now < other.since_ns + steps * kAgeing) continue;
        ++of_age;
        EXPECT_LE(++other.chunks_since_of_age, kJobs - 1);
      }
    }
    if (step % 64 == 0) turns.check_invariants();
    ASSERT_FALSE(HasFailure()) << "step " << step;
  }
  EXPECT_GT(of_age, 1'000U);
  EXPECT_GT(repeated, 1'000U);
}

}  // namespace
}  // namespace tally::sched::test

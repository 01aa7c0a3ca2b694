#include "ipc/sync/semaphore.h"

#include <gtest/gtest.h>

#include <atomic>
#include <thread>

#include "tests/unit/ipc/sync/child.h"

namespace tally::sync {
namespace {

template <typename T>
std::string code_of(const Result<T>& result) {
  return result ? "ok" : result.error().code();
}

TEST(SemaphoreTest, HandsOutItsPermitsAndNoMore) {
  Shared shared;
  Result<Semaphore> permits = Semaphore::open(*shared.self, "permits", 2, true);
  EXPECT_EQ(*permits->acquire(0), Outcome::Ok);
  EXPECT_EQ(*permits->acquire(0), Outcome::Ok);
  EXPECT_EQ(*permits->acquire(0), Outcome::TimedOut);
  const Nanoseconds start = monotonic_ns();
  EXPECT_EQ(*permits->acquire(120 * kMilli), Outcome::TimedOut);
  EXPECT_GE(monotonic_ns() - start, 120 * kMilli);
  ASSERT_TRUE(permits->release());
  EXPECT_EQ(*permits->acquire(0), Outcome::Ok);
}

TEST(SemaphoreTest, ThePermitsOfAKilledHolderComeBackAndAreToldOf) {
  Shared shared;
  Result<Semaphore> permits = Semaphore::open(*shared.self, "permits", 3, true);
  Child holder(shared, [](Child::Life& life) {
    Result<Semaphore> its = Semaphore::open(life.participant(), "permits", 3, true);
    if (!done(*its->acquire()) || !done(*its->acquire())) return false;
    life.here();
    life.stay();
  });
  ASSERT_TRUE(holder.is_here());
  EXPECT_EQ(*permits->acquire(0), Outcome::Ok);
  EXPECT_EQ(*permits->acquire(0), Outcome::TimedOut);
  holder.kill();
  EXPECT_EQ(*permits->acquire(), Outcome::OwnerDied);
  EXPECT_EQ(*permits->acquire(), Outcome::OwnerDied);
  EXPECT_EQ(*permits->acquire(0), Outcome::TimedOut);
}

TEST(SemaphoreTest, AWaiterGetsThePermitOfWhoIsKilledMeanwhile) {
  Shared shared;
  ASSERT_TRUE(Semaphore::open(*shared.self, "permits", 1, false));
  const auto take = [](Participant& participant) {
    return *Semaphore::open(participant, "permits", 1, false)->acquire();
  };
  Child holder(shared, [&](Child::Life& life) {
    if (take(life.participant()) != Outcome::Ok) return false;
    life.here();
    life.stay();
  });
  ASSERT_TRUE(holder.is_here());
  Child waiter(shared, [&](Child::Life& life) {
    life.here();
    return take(life.participant()) == Outcome::OwnerDied;
  });
  ASSERT_TRUE(waiter.is_here());
  holder.kill();
  EXPECT_TRUE(waiter.ended_well());
}

TEST(SemaphoreTest, LeavingGivesPermitsBack) {
  Shared shared;
  Result<Semaphore> permits = Semaphore::open(*shared.self, "permits", 1, true);
  Child child(shared, [](Child::Life& life) {
    return *Semaphore::open(life.participant(), "permits", 1, true)->acquire() ==
           Outcome::Ok;
  });
  ASSERT_TRUE(child.ended_well());
  EXPECT_EQ(*permits->acquire(0), Outcome::OwnerDied);
}

TEST(SemaphoreTest, ABoundedOneTakesBackOnlyWhatWasTaken) {
  Shared shared;
  Result<Semaphore> permits = Semaphore::open(*shared.self, "permits", 1, true);
  EXPECT_EQ(code_of(permits->release()), "not_acquired");
  ASSERT_EQ(*permits->acquire(), Outcome::Ok);
  ASSERT_TRUE(permits->release());
  EXPECT_EQ(code_of(permits->release()), "not_acquired");
}

TEST(SemaphoreTest, AnotherGrowsByAReleaseOfWhoHasNone) {
  Shared shared;
  Result<Semaphore> signals = Semaphore::open(*shared.self, "signals", 0, false);
  Child taker(shared, [](Child::Life& life) {
    return *Semaphore::open(life.participant(), "signals", 0, false)->acquire() ==
           Outcome::Ok;
  });
  ASSERT_TRUE(signals->release());
  EXPECT_TRUE(taker.ended_well());
}

TEST(SemaphoreTest, PermitsAreLimited) {
  Shared shared;
  EXPECT_EQ(code_of(Semaphore::open(*shared.self, "a", 1U << 31, true)), "bad_initial");
  Result<Semaphore> most = Semaphore::open(*shared.self, "b", INT32_MAX, false);
  EXPECT_EQ(code_of(most->release()), "too_many_permits");
}

// Killed between its two writes: one permit is held, none was taken from the free ones.
// Put in order by whoever comes first, the sweep or an acquire.
class KilledInside : public testing::TestWithParam<bool> {};

TEST_P(KilledInside, AcquireLosesNoPermit) {
  Shared shared;
  Result<Semaphore> permits = Semaphore::open(*shared.self, "permits", 2, true);
  Child victim(shared, [](Child::Life& life) {
    Participant& participant = life.participant();
    const NameEntry& entry = participant.region().entry(0);
    auto* state = reinterpret_cast<SemaphoreState*>(
        participant.region().object(entry, entry.bytes));
    const Guard inside(participant.region(), state->guard, kForever);
    ++reinterpret_cast<std::uint32_t*>(state + 1)[participant.slot()];
    life.here();
    life.stay();
    return true;
  });
  ASSERT_TRUE(victim.is_here());
  victim.kill();
  const bool swept_first = GetParam();
  if (swept_first) {
    EXPECT_TRUE(shared.self->reap());
  }
  // Swept before, the first to come is told; else who needs the permit of the dead.
  EXPECT_EQ(*permits->acquire(0), swept_first ? Outcome::OwnerDied : Outcome::Ok);
  EXPECT_EQ(*permits->acquire(), swept_first ? Outcome::Ok : Outcome::OwnerDied);
  EXPECT_EQ(*permits->acquire(0), Outcome::TimedOut);
}

INSTANTIATE_TEST_SUITE_P(SemaphoreTest, KilledInside, testing::Bool());

TEST(SemaphoreTest, ProcessesAndThreadsNeverHaveMoreThanThereAre) {
  constexpr int kRounds = 5'000;
  Shared shared;
  ASSERT_TRUE(Semaphore::open(*shared.self, "permits", 2, true));
  ASSERT_TRUE(Semaphore::open(*shared.self, "counters", 0, true));
  const auto use = [](Participant& participant) {
    Result<Semaphore> permits = Semaphore::open(participant, "permits", 2, true);
    const NameEntry& entry = participant.region().entry(1);
    // Another object's memory, used as a counter of who is inside.
    Word& inside = reinterpret_cast<SemaphoreState*>(
                       participant.region().object(entry, entry.bytes))
                       ->waiters.sequence;
    for (int round = 0; round < kRounds; ++round) {
      if (*permits->acquire() != Outcome::Ok) return false;
      if (inside.fetch_add(1) >= 2) return false;
      if (round % 100 == 0) std::this_thread::yield();
      inside.fetch_sub(1);
      if (!permits->release()) return false;
    }
    return true;
  };
  const Child::Body body = [&](Child::Life& life) { return use(life.participant()); };
  Child first(shared, body), second(shared, body);
  std::atomic<int> well = 0;
  std::vector<std::thread> threads;
  for (int i = 0; i < 2; ++i)
    threads.emplace_back([&] {
      if (use(**Participant::attach(*shared.region))) ++well;
    });
  for (std::thread& thread : threads) thread.join();
  EXPECT_EQ(well, 2);
  EXPECT_TRUE(first.ended_well());
  EXPECT_TRUE(second.ended_well());
}

}  // namespace
}  // namespace tally::sync

#include "ipc/sync/lock.h"

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

// Has the lock "lock", and stays.
bool hold(Child::Life& life) {
  if (*Lock::open(life.participant(), "lock")->acquire() != Outcome::Ok) return false;
  life.here();
  life.stay();
}

TEST(LockTest, TheNextOwnerIsToldThatTheLastWasKilled) {
  Shared shared;
  Result<Lock> lock = Lock::open(*shared.self, "lock");
  Child child(shared, hold);
  ASSERT_TRUE(child.is_here());
  EXPECT_EQ(*lock->acquire(0), Outcome::TimedOut);
  child.kill();
  EXPECT_EQ(*lock->acquire(), Outcome::OwnerDied);
  ASSERT_TRUE(lock->release());
  EXPECT_EQ(*lock->acquire(), Outcome::Ok);  // said once
}

TEST(LockTest, ATryFindsTheDeathToo) {
  Shared shared;
  Result<Lock> lock = Lock::open(*shared.self, "lock");
  Child child(shared, hold);
  ASSERT_TRUE(child.is_here());
  child.kill();
  EXPECT_EQ(*lock->acquire(0), Outcome::OwnerDied);
}

TEST(LockTest, AWaiterGetsItWhenTheOwnerIsKilledMeanwhile) {
  Shared shared;
  Result<Lock> lock = Lock::open(*shared.self, "lock");
  Child owner(shared, hold);
  ASSERT_TRUE(owner.is_here());
  Child waiter(shared, [](Child::Life& life) {
    return *Lock::open(life.participant(), "lock")->acquire() == Outcome::OwnerDied;
  });
  const auto* state = shared.state<LockState>();
  ASSERT_TRUE(comes_true([&] { return (state->word & LockState::kContended) != 0; }));
  owner.kill();
  EXPECT_TRUE(waiter.ended_well());
}

TEST(LockTest, AKilledWaiterIsNotWaitedFor) {
  Shared shared;
  Result<Lock> lock = Lock::open(*shared.self, "lock");
  ASSERT_EQ(*lock->acquire(), Outcome::Ok);
  Child waiter(shared, hold);
  const auto* state = shared.state<LockState>();
  ASSERT_TRUE(comes_true([&] { return (state->word & LockState::kContended) != 0; }));
  Child other(shared, [](Child::Life& life) {
    life.here();
    return *Lock::open(life.participant(), "lock")->acquire() == Outcome::Ok;
  });
  ASSERT_TRUE(other.is_here());
  waiter.kill();
  ASSERT_TRUE(lock->release());
  EXPECT_TRUE(other.ended_well());
}

// It cannot know whether others sleep yet: its release wakes one.
TEST(LockTest, WhoSleptForItWakesTheNext) {
  Shared shared;
  Result<Lock> lock = Lock::open(*shared.self, "lock");
  ASSERT_EQ(*lock->acquire(), Outcome::Ok);
  Child waiter(shared, hold);
  const auto* state = shared.state<LockState>();
  ASSERT_TRUE(comes_true([&] { return (state->word & LockState::kContended) != 0; }));
  ASSERT_TRUE(lock->release());
  ASSERT_TRUE(waiter.is_here());
  EXPECT_NE(state->word & LockState::kContended, 0U);
}

TEST(LockTest, LeavingWithItIsToldAsADeath) {
  Shared shared;
  Result<Lock> lock = Lock::open(*shared.self, "lock");
  Child child(shared, [](Child::Life& life) {
    return *Lock::open(life.participant(), "lock")->acquire() == Outcome::Ok;
  });
  ASSERT_TRUE(child.ended_well());
  EXPECT_EQ(*lock->acquire(), Outcome::OwnerDied);
}

TEST(LockTest, AWaitEndsAtItsTimeOut) {
  Shared shared;
  Result<Lock> lock = Lock::open(*shared.self, "lock");
  Child child(shared, hold);
  ASSERT_TRUE(child.is_here());
  const Nanoseconds start = monotonic_ns();
  EXPECT_EQ(*lock->acquire(120 * kMilli), Outcome::TimedOut);
  EXPECT_GE(monotonic_ns() - start, 120 * kMilli);
}

TEST(LockTest, MisuseIsAnError) {
  Shared shared;
  Result<Lock> lock = Lock::open(*shared.self, "lock");
  EXPECT_EQ(code_of(lock->release()), "not_owner");
  ASSERT_EQ(*lock->acquire(), Outcome::Ok);
  EXPECT_EQ(code_of(lock->acquire()), "would_deadlock");
  ASSERT_TRUE(lock->release());
  const auto other = Participant::attach(*shared.region);
  ASSERT_TRUE(other);
  ASSERT_EQ(*Lock::open(**other, "lock")->acquire(), Outcome::Ok);
  EXPECT_EQ(code_of(lock->release()), "not_owner");
}

// Processes and threads together; every increment counts.
TEST(LockTest, ProcessesAndThreadsExcludeEachOther) {
  constexpr int kRounds = 20'000;
  Shared shared;
  ASSERT_TRUE(Lock::open(*shared.self, "lock"));
  // The counter is where another lock's word would be: memory all of them map.
  ASSERT_TRUE(Lock::open(*shared.self, "counter"));
  const auto count = [](Participant& participant) {
    Result<Lock> lock = Lock::open(participant, "lock");
    Word& counter = reinterpret_cast<LockState*>(
                        participant.region().object(participant.region().entry(1),
                                                    sizeof(LockState)))
                        ->depth;
    for (int round = 0; round < kRounds; ++round) {
      if (*lock->acquire() != Outcome::Ok) return false;
      const std::uint32_t seen = counter.load(std::memory_order_relaxed);
      if (round % 1000 == 0) std::this_thread::yield();
      counter.store(seen + 1, std::memory_order_relaxed);
      if (!lock->release()) return false;
    }
    return true;
  };
  const Child::Body body = [&](Child::Life& life) { return count(life.participant()); };
  Child first(shared, body), second(shared, body);
  std::atomic<int> well = 0;
  std::vector<std::thread> threads;
  for (int i = 0; i < 2; ++i)
    threads.emplace_back([&] {
      if (count(**Participant::attach(*shared.region))) ++well;
    });
  for (std::thread& thread : threads) thread.join();
  EXPECT_EQ(well, 2);
  EXPECT_TRUE(first.ended_well());
  EXPECT_TRUE(second.ended_well());
  EXPECT_EQ(shared.state<LockState>(1)->depth, 4U * kRounds);
}

TEST(RLockTest, IsReleasedAsOftenAsItWasAcquired) {
  Shared shared;
  Result<RLock> lock = RLock::open(*shared.self, "lock");
  const auto other = Participant::attach(*shared.region);
  Result<RLock> others = RLock::open(**other, "lock");
  ASSERT_EQ(*lock->acquire(), Outcome::Ok);
  ASSERT_EQ(*lock->acquire(), Outcome::Ok);
  ASSERT_TRUE(lock->release());
  EXPECT_EQ(*others->acquire(0), Outcome::TimedOut);
  EXPECT_EQ(code_of(others->release()), "not_owner");
  ASSERT_TRUE(lock->release());
  EXPECT_EQ(code_of(lock->release()), "not_owner");
  EXPECT_EQ(*others->acquire(0), Outcome::Ok);
}

TEST(RLockTest, WhoGetsItFromTheDeadHasItOnce) {
  Shared shared;
  Result<RLock> lock = RLock::open(*shared.self, "lock");
  Child child(shared, [](Child::Life& life) {
    Result<RLock> its = RLock::open(life.participant(), "lock");
    for (int i = 0; i < 3; ++i)
      if (*its->acquire() != Outcome::Ok) return false;
    life.here();
    life.stay();
  });
  ASSERT_TRUE(child.is_here());
  child.kill();
  EXPECT_EQ(*lock->acquire(), Outcome::OwnerDied);
  EXPECT_TRUE(lock->release());
  EXPECT_EQ(code_of(lock->release()), "not_owner");
}

}  // namespace
}  // namespace tally::sync

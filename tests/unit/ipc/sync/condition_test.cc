#include "ipc/sync/condition.h"

#include <gtest/gtest.h>

#include "ipc/sync/guard.h"
#include "tests/unit/ipc/sync/child.h"

namespace tally::sync {
namespace {

// Has the lock when it says here(): whoever gets the lock after that finds it waiting.
Child::Body waits_for(Outcome expected) {
  return [expected](Child::Life& life) {
    Result<Lock> lock = Lock::open(life.participant(), "lock");
    Result<Condition> condition = Condition::open(life.participant(), "condition");
    if (!done(*lock->acquire())) return false;
    life.here();
    return *condition->wait(*lock) == expected && lock->owned() && lock->release();
  };
}

struct ConditionTest : testing::Test {
  Shared shared;
  Result<Lock> lock = Lock::open(*shared.self, "lock");
  Result<Condition> condition = Condition::open(*shared.self, "condition");

  // `child` is waiting when this returns true.
  bool waits(const Child& child) {
    return child.is_here() && done(*lock->acquire(kPatience)) && lock->release();
  }
};

TEST_F(ConditionTest, NotifyWakesOneInTheOrderOfTheirComing) {
  Child first(shared, waits_for(Outcome::Ok));
  ASSERT_TRUE(waits(first));
  Child second(shared, waits_for(Outcome::Ok));
  ASSERT_TRUE(waits(second));
  ASSERT_TRUE(condition->notify());
  EXPECT_TRUE(first.ended_well());
  ASSERT_TRUE(condition->notify());
  EXPECT_TRUE(second.ended_well());
}

TEST_F(ConditionTest, NotifyAllWakesAll) {
  Child first(shared, waits_for(Outcome::Ok)), second(shared, waits_for(Outcome::Ok));
  ASSERT_TRUE(waits(first) && waits(second));
  ASSERT_TRUE(condition->notify_all());
  EXPECT_TRUE(first.ended_well());
  EXPECT_TRUE(second.ended_well());
}

TEST_F(ConditionTest, ANotificationIsNotKeptForLaterWaiters) {
  ASSERT_TRUE(condition->notify());
  ASSERT_EQ(*lock->acquire(), Outcome::Ok);
  EXPECT_EQ(*condition->wait(*lock, 0), Outcome::TimedOut);
  EXPECT_TRUE(lock->owned());
}

TEST_F(ConditionTest, AWaitEndsAtItsTimeOutWithTheLock) {
  ASSERT_EQ(*lock->acquire(), Outcome::Ok);
  const Nanoseconds start = monotonic_ns();
  EXPECT_EQ(*condition->wait(*lock, 120 * kMilli), Outcome::TimedOut);
  EXPECT_GE(monotonic_ns() - start, 120 * kMilli);
  EXPECT_TRUE(lock->release());
}

TEST_F(ConditionTest, WaitingWithoutTheLockIsAnError) {
  const Result<Outcome> waited = condition->wait(*lock);
  ASSERT_FALSE(waited);
  EXPECT_EQ(waited.error().code(), "not_owner");
}

TEST_F(ConditionTest, AnRLockIsGivenUpAndTakenBackWhole) {
  Result<RLock> rlock = RLock::open(*shared.self, "rlock");
  ASSERT_TRUE(done(*rlock->acquire()) && done(*rlock->acquire()));
  Child notifier(shared, [](Child::Life& life) {
    Result<RLock> its = RLock::open(life.participant(), "rlock");
    return *its->acquire(kPatience) == Outcome::Ok &&
           Condition::open(life.participant(), "condition")->notify() && its->release();
  });
  EXPECT_EQ(*condition->wait(*rlock, kPatience), Outcome::Ok);
  EXPECT_TRUE(rlock->release() && rlock->release());
  EXPECT_FALSE(rlock->release());
  EXPECT_TRUE(notifier.ended_well());
}

// Python's multiprocessing.Condition blocks for ever in notify() here.
TEST_F(ConditionTest, AKilledWaiterCostsNoNotification) {
  Child victim(shared, waits_for(Outcome::Ok));
  ASSERT_TRUE(waits(victim));
  Child other(shared, waits_for(Outcome::Ok));
  ASSERT_TRUE(waits(other));
  victim.kill();
  ASSERT_TRUE(condition->notify());  // goes to the dead, who is first; and is passed on
  EXPECT_TRUE(other.ended_well());
}

TEST_F(ConditionTest, ANotifiedWaiterThatIsKilledBeforeItHasTheLockPassesItOn) {
  Child victim(shared, waits_for(Outcome::Ok));
  ASSERT_TRUE(waits(victim));
  Child other(shared, waits_for(Outcome::Ok));
  ASSERT_TRUE(waits(other));
  ASSERT_EQ(*lock->acquire(), Outcome::Ok);  // so that it cannot come back from wait()
  ASSERT_TRUE(condition->notify());
  const auto* state = shared.state<LockState>();
  ASSERT_TRUE(comes_true([&] { return (state->word & LockState::kContended) != 0; }));
  victim.kill();
  ASSERT_TRUE(lock->release());
  EXPECT_TRUE(other.ended_well());
}

TEST_F(ConditionTest, AWaiterIsToldOfTheDeathOfWhoHadTheLockMeanwhile) {
  Child waiter(shared, waits_for(Outcome::OwnerDied));
  ASSERT_TRUE(waits(waiter));
  Child owner(shared, [](Child::Life& life) {
    Result<Lock> its = Lock::open(life.participant(), "lock");
    const bool had = *its->acquire() == Outcome::Ok;
    if (had && Condition::open(life.participant(), "condition")->notify()) life.here();
    life.stay();
    return had;
  });
  ASSERT_TRUE(owner.is_here());
  owner.kill();
  EXPECT_TRUE(waiter.ended_well());
}

TEST_F(ConditionTest, ANotifierThatIsKilledInTheMiddleHoldsNobodyUp) {
  Child waiter(shared, waits_for(Outcome::Ok));
  ASSERT_TRUE(waits(waiter));
  auto* state = shared.state<ConditionState>(1);
  Child notifier(shared, [](Child::Life& life) {
    Region& region = life.participant().region();
    const NameEntry& entry = region.entry(1);
    auto* its = reinterpret_cast<ConditionState*>(region.object(entry, entry.bytes));
    const Guard inside(region, its->guard, kForever);
    life.here();
    life.stay();
    return true;
  });
  ASSERT_TRUE(notifier.is_here());
  EXPECT_EQ(state->guard.try_lock(), RobustMutex::Taken::No);
  notifier.kill();
  ASSERT_TRUE(condition->notify());
  EXPECT_TRUE(waiter.ended_well());
}

}  // namespace
}  // namespace tally::sync

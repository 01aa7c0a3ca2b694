#include "ipc/sync/participant.h"

#include <gtest/gtest.h>

#include <thread>

#include "ipc/sync/lock.h"
#include "tests/unit/ipc/sync/child.h"

namespace tally::sync {
namespace {

TEST(ParticipantTest, OneTooManyIsATypedError) {
  Shared shared({1 << 20, 2, 16});
  const auto second = Participant::attach(*shared.region);
  ASSERT_TRUE(second);
  const auto third = Participant::attach(*shared.region);
  ASSERT_FALSE(third);
  EXPECT_EQ(third.error().errc(), Errc::Overloaded);
  EXPECT_EQ(third.error().code(), "too_many_participants");
}

TEST(ParticipantTest, TheSlotOfAKilledOneIsGivenOutAgain) {
  Shared shared({1 << 20, 2, 16});
  Child child(shared, [](Child::Life& life) {
    life.here();
    life.stay();
    return true;
  });
  ASSERT_TRUE(child.is_here());
  EXPECT_FALSE(Participant::attach(*shared.region));
  child.kill();
  EXPECT_TRUE(Participant::attach(*shared.region));
}

TEST(ParticipantTest, ALivingOneIsNotReaped) {
  Shared shared;
  Child child(shared, [](Child::Life& life) {
    life.here();
    life.stay();
    return true;
  });
  ASSERT_TRUE(child.is_here());
  EXPECT_FALSE(shared.self->reap());
  child.kill();
  EXPECT_TRUE(shared.self->reap());
  EXPECT_FALSE(shared.self->reap());
}

TEST(ParticipantTest, AThreadThatEndsWithoutDetachingIsDead) {
  Shared shared;
  Result<Lock> lock = Lock::open(*shared.self, "lock");
  ASSERT_TRUE(lock);
  Participant* left = nullptr;
  std::thread thread([&] {
    left = Participant::attach(*shared.region)->release();
    EXPECT_EQ(*Lock::open(*left, "lock")->acquire(), Outcome::Ok);
  });
  thread.join();
  EXPECT_EQ(*lock->acquire(kPatience), Outcome::OwnerDied);
  ::operator delete(left);  // its destructor is its thread's to call
}

// A reaper that is killed in the middle of its work: the next one does it again.
TEST(ParticipantTest, AReaperThatIsKilledIsFollowedByAnother) {
  Shared shared;
  Result<Lock> lock = Lock::open(*shared.self, "lock");
  ASSERT_TRUE(lock);
  Child owner(shared, [](Child::Life& life) {
    const bool had = *Lock::open(life.participant(), "lock")->acquire() == Outcome::Ok;
    life.here();
    life.stay();
    return had;
  });
  ASSERT_TRUE(owner.is_here());
  const std::uint32_t slot = (shared.state<LockState>()->word & LockState::kOwner) - 1;
  Child reaper(shared, [slot](Child::Life& life) {
    Region& region = life.participant().region();
    life.await_go();
    const bool dead =
        region.header().registry.try_lock() == RobustMutex::Taken::Yes &&
        region.slot(slot).life.try_lock() == RobustMutex::Taken::OwnerDied;
    if (dead) life.here();
    life.stay();
    return true;
  });
  owner.kill();
  reaper.go();
  ASSERT_TRUE(reaper.is_here());
  EXPECT_EQ(*lock->acquire(0), Outcome::TimedOut);  // somebody is about it
  reaper.kill();
  EXPECT_EQ(*lock->acquire(kPatience), Outcome::OwnerDied);
}

}  // namespace
}  // namespace tally::sync

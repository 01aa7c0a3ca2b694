#include "ipc/sync/event.h"

#include <gtest/gtest.h>

#include "tests/unit/ipc/sync/child.h"

namespace tally::sync {
namespace {

bool await(Child::Life& life) {
  Result<Event> event = Event::open(life.participant(), "event");
  life.here();
  return *event->wait() == Outcome::Ok;
}

TEST(EventTest, WakesAllWhoWait) {
  Shared shared;
  Result<Event> event = Event::open(*shared.self, "event");
  Child first(shared, await), second(shared, await);
  ASSERT_TRUE(first.is_here() && second.is_here());
  event->set();
  EXPECT_TRUE(first.ended_well());
  EXPECT_TRUE(second.ended_well());
  EXPECT_TRUE(event->is_set());
  EXPECT_EQ(*event->wait(0), Outcome::Ok);
}

TEST(EventTest, IsClearAtFirstAndAfterClear) {
  Shared shared;
  Result<Event> event = Event::open(*shared.self, "event");
  EXPECT_FALSE(event->is_set());
  EXPECT_EQ(*event->wait(0), Outcome::TimedOut);
  event->set();
  event->set();
  event->clear();
  EXPECT_FALSE(event->is_set());
  const Nanoseconds start = monotonic_ns();
  EXPECT_EQ(*event->wait(60 * kMilli), Outcome::TimedOut);
  EXPECT_GE(monotonic_ns() - start, 60 * kMilli);
}

// Python's multiprocessing.Event blocks for ever in set() here.
TEST(EventTest, AKilledWaiterDoesNotHoldUpSet) {
  Shared shared;
  Result<Event> event = Event::open(*shared.self, "event");
  Child victim(shared, await), other(shared, await);
  ASSERT_TRUE(victim.is_here() && other.is_here());
  victim.kill();
  event->set();
  EXPECT_TRUE(other.ended_well());
}

// What a waiter compares with: that it was slow to wake does not lose it the set.
TEST(EventTest, ASetThatIsClearedAtOnceLeavesItsTrace) {
  Shared shared;
  Result<Event> event = Event::open(*shared.self, "event");
  const std::uint32_t before = shared.state<EventState>()->word;
  event->set();
  event->clear();
  EXPECT_NE(shared.state<EventState>()->word, before);
  EXPECT_FALSE(event->is_set());
}

}  // namespace
}  // namespace tally::sync

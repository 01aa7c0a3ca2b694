#include "ipc/sync/name_table.h"

#include <gtest/gtest.h>

#include "ipc/sync/event.h"
#include "ipc/sync/guard.h"
#include "ipc/sync/lock.h"
#include "ipc/sync/queue.h"
#include "ipc/sync/semaphore.h"
#include "tests/unit/ipc/sync/child.h"

namespace tally::sync {
namespace {

template <typename T>
std::string code_of(const Result<T>& result) {
  return result ? "ok" : result.error().code();
}

TEST(NameTableTest, ANameIsTheSameObjectForEverybody) {
  Shared shared;
  Result<Event> event = Event::open(*shared.self, "done");
  ASSERT_TRUE(event);
  Child child(shared, [](Child::Life& life) {
    Event::open(life.participant(), "done")->set();
    return true;
  });
  EXPECT_EQ(*event->wait(kPatience), Outcome::Ok);
  EXPECT_TRUE(child.ended_well());
}

TEST(NameTableTest, ANameOfAnotherKindIsRefused) {
  Shared shared;
  ASSERT_TRUE(Lock::open(*shared.self, "x"));
  EXPECT_EQ(code_of(RLock::open(*shared.self, "x")), "kind_mismatch");
  EXPECT_EQ(code_of(Queue::open(*shared.self, "x", 1, 8)), "kind_mismatch");
  EXPECT_TRUE(Lock::open(*shared.self, "x"));
}

TEST(NameTableTest, OtherSizesAreRefused) {
  Shared shared;
  ASSERT_TRUE(Queue::open(*shared.self, "q", 4, 8));
  EXPECT_EQ(code_of(Queue::open(*shared.self, "q", 5, 8)), "kind_mismatch");
  EXPECT_EQ(code_of(Queue::open(*shared.self, "q", 4, 9)), "kind_mismatch");
  ASSERT_TRUE(Semaphore::open(*shared.self, "s", 2, true));
  EXPECT_EQ(code_of(Semaphore::open(*shared.self, "s", 3, true)), "kind_mismatch");
  EXPECT_EQ(code_of(Semaphore::open(*shared.self, "s", 2, false)), "kind_mismatch");
}

TEST(NameTableTest, NamesHaveLimits) {
  Shared shared;
  EXPECT_EQ(code_of(Lock::open(*shared.self, "")), "bad_name");
  EXPECT_EQ(code_of(Lock::open(*shared.self, std::string(48, 'n'))), "bad_name");
  EXPECT_EQ(code_of(Lock::open(*shared.self, std::string("a\0b", 3))), "bad_name");
  EXPECT_EQ(code_of(Lock::open(*shared.self, std::string(47, 'n'))), "ok");
  EXPECT_EQ(code_of(RLock::open(*shared.self, std::string(46, 'n'))), "ok");
}

TEST(NameTableTest, AFullTableIsATypedError) {
  Shared shared({1 << 20, 4, 2});
  ASSERT_TRUE(Lock::open(*shared.self, "a"));
  ASSERT_TRUE(Lock::open(*shared.self, "b"));
  EXPECT_EQ(code_of(Lock::open(*shared.self, "c")), "region_full");
  EXPECT_EQ(code_of(Lock::open(*shared.self, "b")), "ok");
}

TEST(NameTableTest, AnObjectThatDoesNotFitIsATypedError) {
  Shared shared({1 << 20, 4, 16});
  EXPECT_EQ(code_of(Queue::open(*shared.self, "q", 1 << 20, 1 << 20)), "region_full");
  EXPECT_EQ(code_of(Queue::open(*shared.self, "q", 0, 8)), "bad_capacity");
  EXPECT_EQ(code_of(Queue::open(*shared.self, "q", 1, UINT32_MAX)), "bad_capacity");
  EXPECT_EQ(code_of(Queue::open(*shared.self, "q", 100, 1000)), "ok");
}

TEST(NameTableTest, ADamagedEntryIsRefused) {
  Shared shared;
  ASSERT_TRUE(Lock::open(*shared.self, "a"));
  NameEntry& entry = shared.region->entry(0);
  for (const std::uint64_t offset :
       {std::uint64_t{0}, std::uint64_t{65}, UINT64_MAX, shared.region->bytes()}) {
    const std::uint64_t before = entry.offset;
    entry.offset = offset;
    EXPECT_EQ(code_of(Lock::open(*shared.self, "a")), "region_damaged") << offset;
    EXPECT_EQ(code_of(Lock::open(*shared.self, "b")), "region_damaged") << offset;
    entry.offset = before;
  }
  shared.region->header().name_count = UINT32_MAX;
  EXPECT_EQ(code_of(Lock::open(*shared.self, "a")), "ok");
  EXPECT_NE(code_of(Lock::open(*shared.self, "b")), "ok");
}

TEST(NameTableTest, WhoDiesWhileAddingANameLeavesNothing) {
  Shared shared;
  Child child(shared, [](Child::Life& life) {
    Region& region = life.participant().region();
    const Guard registry(region, region.header().registry, kForever);
    region.entry(0) = NameEntry{"half", Kind::Queue, 0, 1, 2, 3, 4};
    life.here();
    life.stay();
    return true;
  });
  ASSERT_TRUE(child.is_here());
  child.kill();
  EXPECT_EQ(code_of(Lock::open(*shared.self, "half")), "ok");
}

}  // namespace
}  // namespace tally::sync

#include "ipc/sync/kernel_sync.h"

#include <gtest/gtest.h>

#include <cstring>

#include "tally/tally_sync.hpp"
#include "tests/unit/ipc/sync/child.h"

extern "C" {
int count_under_lock(const tally_sync* sync, tally_sync_context* context,
                     long* counter);
int through_queue(const tally_sync* sync, tally_sync_context* context);
}

namespace tally::sync {
namespace {

struct KernelSyncTest : testing::Test {
  Shared shared;
  const ::tally_sync& table = kernel_table();
  KernelContext context = *attach_kernel(*shared.region);
  KernelContext second = *attach_kernel(*shared.region);
  kernel::Sync sync{&table, context.get()};
  kernel::Sync other{&table, second.get()};
};

TEST_F(KernelSyncTest, IsCompleteAndSaysItsSize) {
  EXPECT_EQ(table.struct_size, sizeof(::tally_sync));
  // All pointers from last_error to pipe_close.
  void* functions[sizeof(::tally_sync) / sizeof(void*)];
  std::memcpy(functions, &table, sizeof functions);
  for (void* function : functions) EXPECT_NE(function, nullptr);
}

TEST_F(KernelSyncTest, IsUsedFromC) {
  long counter = 0;
  EXPECT_EQ(count_under_lock(&table, context.get(), &counter), TALLY_SYNC_OK);
  EXPECT_EQ(count_under_lock(&table, context.get(), &counter), TALLY_SYNC_OK);
  EXPECT_EQ(counter, 2);
  EXPECT_EQ(through_queue(&table, context.get()), TALLY_SYNC_OK);
}

TEST_F(KernelSyncTest, LocksOfAKilledKernelAreToldOf) {
  Child child(shared, [](Child::Life& life) {
    const KernelContext its = *attach_kernel(life.participant().region());
    const bool had = kernel_table().lock_acquire(its.get(), "lock", 0) == TALLY_SYNC_OK;
    life.here();
    life.stay();
    return had;
  });
  ASSERT_TRUE(child.is_here());
  child.kill();
  kernel::Lock lock = sync.lock("lock");
  {
    const kernel::Locked held(lock);
    EXPECT_TRUE(held.owner_died());
    kernel::Lock same = other.lock("lock");
    EXPECT_EQ(same.acquire(kernel::Timeout::zero()), kernel::Outcome::TimedOut);
    EXPECT_THROW(kernel::Locked(same, std::chrono::milliseconds(1)), kernel::SyncError);
  }
  const kernel::Locked again(lock);
  EXPECT_FALSE(again.owner_died());
}

TEST_F(KernelSyncTest, WhatAKernelLeavesHeldComesBack) {
  kernel::Lock lock = sync.lock("lock");
  ASSERT_EQ(lock.acquire(), kernel::Outcome::Ok);
  context.reset();
  EXPECT_EQ(other.lock("lock").acquire(), kernel::Outcome::OwnerDied);
}

TEST_F(KernelSyncTest, MisuseIsNegativeAndSaysWhy) {
  EXPECT_STREQ(table.last_error(context.get()), "");
  EXPECT_EQ(table.lock_release(context.get(), "lock"), TALLY_SYNC_MISUSE);
  EXPECT_STRNE(table.last_error(context.get()), "");
  EXPECT_EQ(table.rlock_acquire(context.get(), "lock", 0), TALLY_SYNC_MISMATCH);
  EXPECT_NE(std::string(table.last_error(context.get())).find("'lock' is a lock"),
            std::string::npos);
  EXPECT_EQ(table.queue_open(context.get(), "big", 1 << 20, 1 << 20), TALLY_SYNC_FULL);
  EXPECT_EQ(table.lock_acquire(context.get(), nullptr, 0), TALLY_SYNC_MISUSE);
  EXPECT_EQ(table.lock_acquire(nullptr, "lock", 0), TALLY_SYNC_MISUSE);
  EXPECT_EQ(table.semaphore_acquire(context.get(), "unopened", 0), TALLY_SYNC_MISUSE);
  EXPECT_EQ(table.queue_put(context.get(), "unopened", "x", 1, 0), TALLY_SYNC_MISUSE);
  EXPECT_EQ(table.pipe_open(context.get(), "pipe", 7, 1, 1), TALLY_SYNC_MISUSE);
  EXPECT_EQ(table.pipe_poll(context.get(), "pipe", -1, 0), TALLY_SYNC_MISUSE);
  EXPECT_EQ(table.event_is_set(context.get(), "event", nullptr), TALLY_SYNC_MISUSE);
  EXPECT_EQ(table.condition_wait(context.get(), "c", "no lock", 0), TALLY_SYNC_MISUSE);
  EXPECT_STREQ(table.last_error(nullptr), "");
}

TEST_F(KernelSyncTest, ClosingTheRegionEndsWaits) {
  ASSERT_EQ(sync.lock("lock").acquire(), kernel::Outcome::Ok);
  shared.region->close();
  EXPECT_EQ(other.lock("lock").acquire(), kernel::Outcome::Closed);
}

TEST_F(KernelSyncTest, EveryPrimitiveIsThereInCpp) {
  kernel::Lock rlock = sync.rlock("rlock");
  ASSERT_EQ(rlock.acquire(), kernel::Outcome::Ok);
  ASSERT_EQ(rlock.acquire(), kernel::Outcome::Ok);
  kernel::Condition condition = sync.condition("condition");
  condition.notify_all();
  EXPECT_EQ(condition.wait(rlock, std::chrono::nanoseconds(1)),
            kernel::Outcome::TimedOut);
  rlock.release();
  rlock.release();
  EXPECT_THROW(rlock.release(), kernel::SyncError);

  kernel::Event event = sync.event("event");
  event.set();
  EXPECT_TRUE(other.event("event").is_set());
  EXPECT_EQ(other.event("event").wait(), kernel::Outcome::Ok);
  event.clear();
  EXPECT_EQ(event.wait(kernel::Timeout(-1)), kernel::Outcome::TimedOut);

  kernel::Semaphore permits = sync.semaphore("permits", 1);
  EXPECT_EQ(permits.acquire(), kernel::Outcome::Ok);
  EXPECT_EQ(other.semaphore("permits", 1).acquire(kernel::Timeout::zero()),
            kernel::Outcome::TimedOut);
  permits.release();

  std::string text = "as it was";
  kernel::Queue queue = sync.queue("queue", 2, 16);
  EXPECT_EQ(queue.get(text, kernel::Timeout::zero()), kernel::Outcome::TimedOut);
  EXPECT_EQ(text, "as it was");
  EXPECT_EQ(queue.put("record", 6), kernel::Outcome::Ok);
  EXPECT_EQ(queue.size(), 1U);
  EXPECT_EQ(other.queue("queue", 2, 16).get(text), kernel::Outcome::Ok);
  EXPECT_EQ(text, "record");

  kernel::Pipe left = sync.pipe("pipe", 0, 2, 16), right = other.pipe("pipe", 1, 2, 16);
  EXPECT_EQ(left.send("ping", 4), kernel::Outcome::Ok);
  EXPECT_EQ(right.poll(), kernel::Outcome::Ok);
  EXPECT_EQ(right.receive(text), kernel::Outcome::Ok);
  EXPECT_EQ(text, "ping");
  left.close();
  EXPECT_EQ(right.receive(text), kernel::Outcome::Closed);
}

}  // namespace
}  // namespace tally::sync

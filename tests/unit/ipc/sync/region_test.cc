#include "ipc/sync/region.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/mman.h>

#include <thread>

#include "ipc/sync/event.h"
#include "ipc/sync/lock.h"
#include "ipc/sync/semaphore.h"
#include "tests/unit/ipc/sync/child.h"

namespace tally::sync {
namespace {

std::string code_of(const Result<std::unique_ptr<Region>>& mapped) {
  return mapped ? "mapped" : mapped.error().code();
}

TEST(RegionTest, CanNeitherGrowNorShrink) {
  const Result<UniqueFd> fd = Region::create({});
  ASSERT_TRUE(fd);
  EXPECT_NE(::ftruncate(fd->get(), 4096), 0);
  EXPECT_NE(::ftruncate(fd->get(), 1 << 30), 0);
  EXPECT_EQ(code_of(Region::map(fd->get())), "mapped");
}

TEST(RegionTest, ASizeThatDoesNotHoldItsTablesIsRefused) {
  const Result<UniqueFd> fd = Region::create({4096, 256, 128});
  ASSERT_FALSE(fd);
  EXPECT_EQ(fd.error().code(), "region_size");
  EXPECT_FALSE(Region::create({4 << 20, 0, 1}));
  EXPECT_FALSE(Region::create({4 << 20, 1, 0}));
  EXPECT_FALSE(Region::create({UINT64_MAX, 1, 1}));
}

TEST(RegionTest, AFileThatIsNotSealedIsRefused) {
  const UniqueFd file(::memfd_create("plain", MFD_CLOEXEC));
  ASSERT_EQ(::ftruncate(file.get(), 4 << 20), 0);
  EXPECT_EQ(code_of(Region::map(file.get())), "region_damaged");
}

TEST(RegionTest, EveryDamagedFieldOfTheHeaderIsRefused) {
  const Result<UniqueFd> fd = Region::create({});
  ASSERT_TRUE(fd);
  Result<std::unique_ptr<Region>> region = Region::map(fd->get());
  ASSERT_TRUE(region);
  RegionHeader& header = (*region)->header();
  const auto refused_with = [&](auto& field, auto value) {
    const auto before = field;
    field = value;
    const std::string code = code_of(Region::map(fd->get()));
    field = before;
    return code == "region_damaged";
  };
  EXPECT_TRUE(refused_with(header.magic, std::uint64_t{1}));
  EXPECT_TRUE(refused_with(header.version, 2U));
  EXPECT_TRUE(refused_with(header.participants, UINT32_MAX));
  EXPECT_TRUE(refused_with(header.participants, 0U));
  EXPECT_TRUE(refused_with(header.names, UINT32_MAX));
  EXPECT_TRUE(refused_with(header.bytes, std::uint64_t{8} << 20));
  EXPECT_EQ(code_of(Region::map(fd->get())), "mapped");
}

TEST(RegionTest, ClosingItEndsTheWaitsOfAllProcesses) {
  Shared shared;
  Result<Lock> lock = Lock::open(*shared.self, "lock");
  Result<Semaphore> permits = Semaphore::open(*shared.self, "permits", 0, true);
  ASSERT_TRUE(lock && permits);
  ASSERT_EQ(*lock->acquire(), Outcome::Ok);
  Child for_lock(shared, [](Child::Life& life) {
    life.here();
    return *Lock::open(life.participant(), "lock")->acquire() == Outcome::Closed;
  });
  Child for_permit(shared, [](Child::Life& life) {
    life.here();
    return *Semaphore::open(life.participant(), "permits", 0, true)->acquire() ==
           Outcome::Closed;
  });
  Child for_event(shared, [](Child::Life& life) {
    life.here();
    return *Event::open(life.participant(), "event")->wait() == Outcome::Closed;
  });
  for (const Child* child : {&for_lock, &for_permit, &for_event})
    ASSERT_TRUE(child->is_here());
  shared.region->close();
  EXPECT_TRUE(for_lock.ended_well());
  EXPECT_TRUE(for_permit.ended_well());
  EXPECT_TRUE(for_event.ended_well());
}

}  // namespace
}  // namespace tally::sync

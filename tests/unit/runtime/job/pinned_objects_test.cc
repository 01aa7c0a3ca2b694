#include "runtime/job/pinned_objects.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <string>

namespace tally::job {
namespace {

constexpr std::uint64_t kPage = 4096;

// Of `size`, with its first `written` bytes written to.
UniqueFd memory(std::uint64_t size, std::uint64_t written) {
  UniqueFd fd(::memfd_create("pinned", MFD_CLOEXEC));
  EXPECT_EQ(::ftruncate(fd.get(), static_cast<off_t>(size)), 0);
  const std::string text(written, 'x');
  EXPECT_EQ(::pwrite(fd.get(), text.data(), written, 0), static_cast<ssize_t>(written));
  return fd;
}

TEST(MemoryObjects, CountWhatTheyTakeUp) {
  std::vector<UniqueFd> files;
  files.push_back(memory(1U << 30, 3 * kPage));
  files.push_back(memory(0, 0));
  const auto objects = memory_objects(files);
  ASSERT_EQ(objects.size(), 2U);
  EXPECT_GE(objects[0].bytes, 3 * kPage);
  EXPECT_LT(objects[0].bytes, 1U << 30);
  EXPECT_EQ(objects[1].bytes, 0U);
}

TEST(MemoryObjects, OneThatWasPassedTwiceIsOne) {
  std::vector<UniqueFd> files;
  files.push_back(memory(kPage, kPage));
  files.emplace_back(::dup(files[0].get()));
  files.push_back(memory(kPage, kPage));
  EXPECT_EQ(memory_objects(files).size(), 2U);
}

TEST(MemoryObjects, WhatIsNoMemoryIsNone) {
  std::vector<UniqueFd> files;
  files.emplace_back(::open("/proc/self/exe", O_RDONLY | O_CLOEXEC));
  int ends[2];
  ASSERT_EQ(::pipe2(ends, O_CLOEXEC), 0);
  files.emplace_back(ends[0]);
  files.emplace_back(ends[1]);
  for (const UniqueFd& file : files) ASSERT_GE(file.get(), 0);
  EXPECT_TRUE(memory_objects(files).empty());
}

TEST(PinnedObjects, AnObjectCountsOnceForEachUser) {
  PinnedObjects pinned;
  const std::vector<MemoryObject> both{{1, 10, 100}, {1, 11, 7}};
  const std::vector<MemoryObject> first{{1, 10, 100}};
  EXPECT_EQ(pinned.unpinned(5, both), 107U);
  EXPECT_EQ(pinned.pin(5, first), 100U);
  EXPECT_EQ(pinned.unpinned(5, both), 7U);
  EXPECT_EQ(pinned.unpinned(6, both), 107U);
  EXPECT_EQ(pinned.pin(5, both), 7U);
  EXPECT_EQ(pinned.pin(6, both), 107U);
  EXPECT_EQ(pinned.unpin(5, both), 7U);
  EXPECT_EQ(pinned.unpin(5, first), 100U);
  EXPECT_EQ(pinned.unpinned(5, both), 107U);
  EXPECT_EQ(pinned.unpin(6, both), 107U);
}

// It grew since: what is given back is what was counted.
TEST(PinnedObjects, WhatWasCountedIsWhatIsGivenBack) {
  PinnedObjects pinned;
  EXPECT_EQ(pinned.pin(1, {{1, 2, 100}}), 100U);
  EXPECT_EQ(pinned.pin(1, {{1, 2, 300}}), 0U);
  EXPECT_EQ(pinned.unpin(1, {{1, 2, 100}}), 0U);
  EXPECT_EQ(pinned.unpin(1, {{1, 2, 300}}), 100U);
}

}  // namespace
}  // namespace tally::job

#include "client/kept_job.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/mman.h>
#include <unistd.h>

#include <limits>

namespace tally::client {
namespace {

constexpr std::int64_t kMany = 1 << 20;
constexpr auto kLeast = std::numeric_limits<std::int64_t>::min();
constexpr auto kMost = std::numeric_limits<std::int64_t>::max();

model::Submit submit_of(model::Source source) {
  model::Submit submit;
  submit.spec.source = std::move(source);
  return submit;
}

bool is_kept(model::Submit submit, std::span<const int> fds = {}) {
  std::size_t descriptors = 0;
  return KeptJob::make(submit, fds, descriptors) != nullptr;
}

bool range_is_kept(std::int64_t start, std::int64_t stop, std::int64_t step) {
  return is_kept(submit_of(model::RangeSource{start, stop, step}));
}

UniqueFd file_of(std::int64_t bytes) {
  UniqueFd file(::memfd_create("test", MFD_CLOEXEC));
  EXPECT_EQ(::ftruncate(file.get(), bytes), 0);
  return file;
}

model::Source files_of(std::uint32_t count) {
  model::FilesSource files;
  for (std::uint32_t i = 0; i < count; ++i) files.files.push_back({"", i, 0});
  return files;
}

TEST(KeptJob, ALongRangeIsWorthIt) {
  EXPECT_FALSE(range_is_kept(0, kMany, 1));
  EXPECT_TRUE(range_is_kept(0, kMany + 1, 1));
  EXPECT_FALSE(range_is_kept(0, kMany + 1, 2));
  EXPECT_TRUE(range_is_kept(kMany + 1, 0, -1));
  EXPECT_FALSE(range_is_kept(0, kMany + 1, -1));
  EXPECT_FALSE(range_is_kept(0, kMany + 1, 0));
  EXPECT_TRUE(range_is_kept(kLeast, kMost, 1));
  EXPECT_FALSE(range_is_kept(kMost, kLeast, kLeast));
}

TEST(KeptJob, ElementsInTheRequestAreNot) {
  EXPECT_FALSE(is_kept(submit_of(
      model::ValuesSource{model::ElementType::U8, std::vector<std::byte>(kMany - 1)})));
}

TEST(KeptJob, SharedMemoryAndFilesCountBySize) {
  const UniqueFd small = file_of(kMany / 2);
  const UniqueFd large = file_of(kMany / 2 + 1);
  const int fds[] = {small.get(), large.get()};
  EXPECT_FALSE(is_kept(submit_of(files_of(1)), fds));
  EXPECT_TRUE(is_kept(submit_of(files_of(2)), fds));
  EXPECT_FALSE(is_kept(submit_of(files_of(3)), fds)) << "names one that is not there";
  model::MemorySource memory{{model::ElementType::F64, 0, 0, kMany}, {}};
  EXPECT_FALSE(is_kept(submit_of(memory), fds));
  ++memory.count;
  EXPECT_TRUE(is_kept(submit_of(memory), fds));
}

TEST(KeptJob, AStreamCannotBeReadAgain) {
  int ends[2];
  ASSERT_EQ(::pipe2(ends, O_CLOEXEC), 0);
  const UniqueFd read(ends[0]);
  const UniqueFd write(ends[1]);
  const UniqueFd large = file_of(2 * kMany);
  const int fds[] = {large.get(), read.get()};
  EXPECT_FALSE(is_kept(submit_of(files_of(2)), fds));
}

TEST(KeptJob, OnlyWhatIsAttachedAndWaitedFor) {
  const model::Submit job = submit_of(model::RangeSource{0, 2 * kMany, 1});
  model::Submit detached = job;
  detached.spec.detached = true;
  model::Submit accepted = job;
  accepted.reply_when = model::ReplyWhen::Accepted;
  model::FilesSource windowed;
  windowed.windowed = true;
  EXPECT_TRUE(is_kept(job));
  EXPECT_FALSE(is_kept(detached));
  EXPECT_FALSE(is_kept(accepted));
  EXPECT_FALSE(is_kept(submit_of(windowed)));
}

TEST(KeptJob, GivesAnIdOfItsOwnWhereThereIsNone) {
  std::size_t descriptors = 0;
  model::Submit job = submit_of(model::RangeSource{0, 2 * kMany, 1});
  model::Submit other = job;
  const auto kept = KeptJob::make(job, {}, descriptors);
  ASSERT_NE(KeptJob::make(other, {}, descriptors), nullptr);
  EXPECT_TRUE(job.spec.client_id.starts_with(model::kLibraryIdPrefix));
  EXPECT_EQ(job.spec.client_id.size(), model::kLibraryIdPrefix.size() + 32);
  EXPECT_NE(job.spec.client_id, other.spec.client_id);
  EXPECT_EQ(kept->request().spec.client_id, job.spec.client_id);
  job.spec.client_id = "mine";
  ASSERT_NE(KeptJob::make(job, {}, descriptors), nullptr);
  EXPECT_EQ(job.spec.client_id, "mine");
}

TEST(KeptJob, KeepsDuplicatesUpToABound) {
  std::size_t descriptors = KeptJob::kMostDescriptors - 2;
  UniqueFd large = file_of(2 * kMany);
  const int fds[] = {large.get()};
  model::Submit job = submit_of(files_of(1));
  {
    const auto first = KeptJob::make(job, fds, descriptors);
    const auto second = KeptJob::make(job, fds, descriptors);
    ASSERT_NE(second, nullptr);
    EXPECT_EQ(KeptJob::make(job, fds, descriptors), nullptr);
    large.reset();
    ASSERT_EQ(second->fds().size(), 1U);
    EXPECT_EQ(::lseek(second->fds().front(), 0, SEEK_END), 2 * kMany);
  }
  EXPECT_EQ(descriptors, KeptJob::kMostDescriptors - 2);
}

}  // namespace
}  // namespace tally::client

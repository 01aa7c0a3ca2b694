#include "runtime/job/submit_digest.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <vector>

namespace tally::job {
namespace {

model::JobSpec range_spec(std::int64_t stop) {
  model::JobSpec spec;
  spec.reducers = {{"sum", {}, "", "sum"}};
  spec.source = model::RangeSource{0, stop, 1};
  spec.client_id = "mine";
  return spec;
}

std::vector<UniqueFd> one(int fd) {
  std::vector<UniqueFd> fds;
  fds.emplace_back(::fcntl(fd, F_DUPFD_CLOEXEC, 0));
  return fds;
}

TEST(SubmitDigest, IsTheSameForEqualSpecsOnly) {
  const auto digest = digest_of(range_spec(10), {});
  ASSERT_TRUE(digest);
  EXPECT_EQ(digest, digest_of(range_spec(10), {}));
  EXPECT_NE(digest->spec, digest_of(range_spec(11), {})->spec);
  EXPECT_EQ(digest->inputs, digest_of(range_spec(11), {})->inputs);
  model::JobSpec other = range_spec(10);
  other.priority = 1;
  EXPECT_NE(digest->spec, digest_of(other, {})->spec);
}

TEST(SubmitDigest, TellsInlineElementsByTheirBytes) {
  model::JobSpec spec = range_spec(0);
  model::ValuesSource values{model::ElementType::U8, std::vector<std::byte>(100'000)};
  spec.source = values;
  const auto digest = digest_of(spec, {});
  EXPECT_EQ(digest, digest_of(spec, {}));
  values.bytes.back() = std::byte{1};
  spec.source = values;
  EXPECT_NE(digest->spec, digest_of(spec, {})->spec);
}

TEST(SubmitDigest, TellsFilesByWhatTheyAreNotByTheirNumber) {
  const UniqueFd file(::memfd_create("test", MFD_CLOEXEC));
  const UniqueFd other(::memfd_create("test", MFD_CLOEXEC));
  const auto inputs = [](const std::vector<UniqueFd>& fds) {
    return digest_of(range_spec(1), fds)->inputs;
  };
  const auto before = inputs(one(file.get()));
  EXPECT_EQ(before, inputs(one(file.get())));
  EXPECT_NE(before, inputs(one(other.get())));
  EXPECT_NE(before, inputs({}));
  struct stat is {};
  ASSERT_EQ(::fstat(file.get(), &is), 0);
  struct timespec times[2] = {is.st_atim, is.st_mtim};
  times[1].tv_nsec = (times[1].tv_nsec + 1) % 1'000'000'000;
  ASSERT_EQ(::futimens(file.get(), times), 0);
  EXPECT_NE(before, inputs(one(file.get())));
  times[1] = is.st_mtim;
  ASSERT_EQ(::futimens(file.get(), times), 0);
  EXPECT_EQ(before, inputs(one(file.get())));
  ASSERT_EQ(::ftruncate(file.get(), 8), 0);
  ASSERT_EQ(::futimens(file.get(), times), 0);
  EXPECT_NE(before, inputs(one(file.get())));
}

TEST(SubmitDigest, OfAStreamDoesNotChangeAsItIsWritten) {
  int ends[2];
  ASSERT_EQ(::pipe2(ends, O_CLOEXEC), 0);
  const UniqueFd read(ends[0]);
  const UniqueFd write(ends[1]);
  const auto before = digest_of(range_spec(1), one(read.get()));
  ::usleep(20'000);
  ASSERT_EQ(::write(write.get(), "1\n", 2), 2);
  EXPECT_EQ(before, digest_of(range_spec(1), one(read.get())));
}

TEST(SubmitDigest, OfAWindowedSourceIsNone) {
  model::JobSpec spec = range_spec(0);
  model::FilesSource files;
  files.windowed = true;
  spec.source = files;
  EXPECT_EQ(digest_of(spec, {}), std::nullopt);
}

}  // namespace
}  // namespace tally::job

#include "ipc/base/seals.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/mman.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <chrono>
#include <thread>

#include "ipc/base/unique_fd.h"

namespace tally {
namespace {

using namespace std::chrono_literals;

constexpr int kSeals = F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_WRITE;
constexpr std::size_t kBytes = 4096;

UniqueFd memfd() {
  UniqueFd fd(::memfd_create("test", MFD_CLOEXEC | MFD_ALLOW_SEALING));
  EXPECT_EQ(::ftruncate(fd.get(), kBytes), 0);
  return fd;
}

// A pipe whose page is the memfd's own: the kernel counts it as somebody's who may
// write.
struct HeldPage {
  UniqueFd from, to;

  explicit HeldPage(const UniqueFd& fd) {
    std::array<int, 2> ends{};
    EXPECT_EQ(::pipe2(ends.data(), O_CLOEXEC), 0);
    from.reset(ends[0]);
    to.reset(ends[1]);
    loff_t offset = 0;
    EXPECT_EQ(::splice(fd.get(), &offset, to.get(), nullptr, kBytes, 0),
              static_cast<ssize_t>(kBytes));
  }
};

TEST(Seals, AreAddedTogether) {
  const UniqueFd fd = memfd();
  ASSERT_TRUE(add_seals(fd.get(), kSeals));
  EXPECT_EQ(::fcntl(fd.get(), F_GET_SEALS), kSeals);
}

TEST(Seals, WaitForAPageThatIsInUseLongerThanTheKernelWaits) {
  const UniqueFd fd = memfd();
  ASSERT_EQ(::pwrite(fd.get(), "x", 1, 0), 1);
  HeldPage held(fd);
  ASSERT_EQ(::fcntl(fd.get(), F_ADD_SEALS, F_SEAL_WRITE), -1)
      << "this kernel does not count a pipe's pages";
  ASSERT_EQ(errno, EBUSY);
  std::thread lets_go([&held] {
    std::this_thread::sleep_for(300ms);
    held.from.reset();
    held.to.reset();
  });
  const bool added = add_seals(fd.get(), kSeals);
  lets_go.join();
  EXPECT_TRUE(added);
}

TEST(Seals, AreRefusedAtOnceToWhatIsMappedWritable) {
  const UniqueFd fd = memfd();
  void* map = ::mmap(nullptr, kBytes, PROT_READ | PROT_WRITE, MAP_SHARED, fd.get(), 0);
  ASSERT_NE(map, MAP_FAILED);
  const auto began = std::chrono::steady_clock::now();
  EXPECT_FALSE(add_seals(fd.get(), kSeals));
  EXPECT_EQ(errno, EBUSY);
  EXPECT_LT(std::chrono::steady_clock::now() - began, 100ms);
  ::munmap(map, kBytes);
}

TEST(Seals, AreRefusedToAPageThatStaysInUse) {
  const UniqueFd fd = memfd();
  ASSERT_EQ(::pwrite(fd.get(), "x", 1, 0), 1);
  const HeldPage held(fd);
  EXPECT_FALSE(add_seals(fd.get(), kSeals));
  EXPECT_EQ(errno, EBUSY);
  EXPECT_EQ(::fcntl(fd.get(), F_GET_SEALS), 0);
}

TEST(Seals, AreRefusedToWhatIsNoMemfd) {
  std::array<int, 2> ends{};
  ASSERT_EQ(::pipe2(ends.data(), O_CLOEXEC), 0);
  const UniqueFd from(ends[0]), to(ends[1]);
  EXPECT_FALSE(add_seals(to.get(), kSeals));
  EXPECT_EQ(errno, EINVAL);
}

}  // namespace
}  // namespace tally

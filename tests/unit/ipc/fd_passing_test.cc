#include "ipc/fd_passing.h"

#include <gtest/gtest.h>
#include <sys/resource.h>
#include <sys/stat.h>

#include <array>

#include "tests/unit/ipc/wire_support.h"

namespace tally::ipc {
namespace {

const std::array<std::byte, 4> kBytes{std::byte{1}, std::byte{2}, std::byte{3},
                                      std::byte{4}};

TEST(FdPassing, DescriptorsArriveCloseOnExecAndNameTheSameFile) {
  const auto [near, far] = socket_pair();
  UniqueFd file = some_file();
  struct stat sent {};
  ASSERT_EQ(::fstat(file.get(), &sent), 0);
  const int number = file.get();
  ASSERT_TRUE(send_with_fds(far.get(), kBytes, std::span(&number, 1), 0));
  file.reset();  // the copy in flight is its own

  std::array<std::byte, 16> room{};
  std::vector<UniqueFd> fds;
  const Result<Moved> got = receive_with_fds(near.get(), room, fds, 0);
  ASSERT_TRUE(got);
  EXPECT_EQ(got->bytes, kBytes.size());
  ASSERT_EQ(fds.size(), 1U);
  EXPECT_NE(::fcntl(fds[0].get(), F_GETFD) & FD_CLOEXEC, 0);
  struct stat received {};
  ASSERT_EQ(::fstat(fds[0].get(), &received), 0);
  EXPECT_EQ(received.st_rdev, sent.st_rdev);
  EXPECT_EQ(received.st_ino, sent.st_ino);
}

TEST(FdPassing, SixtyFourDescriptorsFitOneTransfer) {
  const auto [near, far] = socket_pair();
  const UniqueFd file = some_file();
  const std::vector<int> numbers(kMaxFrameDescriptors, file.get());
  ASSERT_TRUE(send_with_fds(far.get(), kBytes, numbers, 0));
  std::array<std::byte, 16> room{};
  std::vector<UniqueFd> fds;
  ASSERT_TRUE(receive_with_fds(near.get(), room, fds, 0));
  EXPECT_EQ(fds.size(), kMaxFrameDescriptors);
}

TEST(FdPassing, LeaksNothingWhenTheListIsCutShort) {
  const auto [near, far] = socket_pair();
  const UniqueFd file = some_file();
  const std::vector<int> numbers(8, file.get());
  ASSERT_TRUE(send_with_fds(far.get(), kBytes, numbers, 0));

  const int before = open_descriptors();
  // Room for three more descriptors: the kernel delivers these and says so.
  rlimit old{};
  ASSERT_EQ(::getrlimit(RLIMIT_NOFILE, &old), 0);
  const int lowest = ::fcntl(file.get(), F_DUPFD_CLOEXEC, 0);
  ASSERT_GE(lowest, 0);
  ::close(lowest);
  const rlimit tight{static_cast<rlim_t>(lowest) + 3, old.rlim_max};
  ASSERT_EQ(::setrlimit(RLIMIT_NOFILE, &tight), 0);
  std::array<std::byte, 16> room{};
  std::vector<UniqueFd> fds;
  const Result<Moved> got = receive_with_fds(near.get(), room, fds, 0);
  ASSERT_EQ(::setrlimit(RLIMIT_NOFILE, &old), 0);

  ASSERT_FALSE(got);
  EXPECT_EQ(got.error().code(), "descriptors_truncated");
  EXPECT_TRUE(fds.empty());
  EXPECT_EQ(open_descriptors(), before);
}

TEST(FdPassing, KeepsEarlierDescriptorsWhenLaterOnesAreCutShort) {
  const auto [near, far] = socket_pair();
  std::vector<UniqueFd> fds;
  fds.push_back(some_file());
  const int kept = fds[0].get();
  send_all(far.get(), kBytes);
  std::array<std::byte, 16> room{};
  ASSERT_TRUE(receive_with_fds(near.get(), room, fds, 0));
  ASSERT_EQ(fds.size(), 1U);
  EXPECT_EQ(fds[0].get(), kept);
}

TEST(FdPassing, TellsAnEmptySocketFromAClosedOne) {
  auto [near, far] = socket_pair();
  std::array<std::byte, 16> room{};
  std::vector<UniqueFd> fds;
  Result<Moved> got = receive_with_fds(near.get(), room, fds, MSG_DONTWAIT);
  ASSERT_TRUE(got);
  EXPECT_EQ(got->state, Transfer::WouldBlock);
  far.reset();
  got = receive_with_fds(near.get(), room, fds, MSG_DONTWAIT);
  ASSERT_TRUE(got);
  EXPECT_EQ(got->state, Transfer::Closed);
}

TEST(FdPassing, SendingToAPeerThatIsGoneIsClosedAndRaisesNoSignal) {
  auto [near, far] = socket_pair();
  near.reset();
  const Result<Moved> sent = send_with_fds(far.get(), kBytes, {}, 0);
  ASSERT_TRUE(sent);
  EXPECT_EQ(sent->state, Transfer::Closed);
}

TEST(FdPassing, AFullSocketWouldBlock) {
  const auto [near, far] = socket_pair();
  const Bytes much(1U << 16);
  for (int i = 0; i < 1000; ++i) {
    const Result<Moved> sent = send_with_fds(far.get(), much, {}, MSG_DONTWAIT);
    ASSERT_TRUE(sent);
    if (sent->state == Transfer::WouldBlock) return;
  }
  FAIL() << "a socket that is never full";
}

}  // namespace
}  // namespace tally::ipc

// That descriptors are closed, and not by who hands them over.
#include "runtime/job/closer.h"

#include <arpa/inet.h>
#include <fcntl.h>
#include <gtest/gtest.h>
#include <netinet/in.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <chrono>
#include <memory>
#include <thread>
#include <utility>
#include <vector>

namespace tally::job {
namespace {

// Of which one end is handed over, and the other tells when that was closed.
struct Pipe {
  UniqueFd given;
  UniqueFd kept;

  static Pipe make() {
    std::array<int, 2> ends{};
    EXPECT_EQ(::pipe2(ends.data(), O_CLOEXEC), 0);
    return {UniqueFd(ends[0]), UniqueFd(ends[1])};
  }
  bool closed_within(int milliseconds) const {
    pollfd end{kept.get(), 0, 0};
    return ::poll(&end, 1, milliseconds) == 1;
  }
};

// A connection whose close() takes a second: it has unsent bytes, and lingers.
std::pair<UniqueFd, UniqueFd> slow_to_close() {
  const UniqueFd listening(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = ::htonl(INADDR_LOOPBACK);
  socklen_t size = sizeof address;
  auto* const plain = reinterpret_cast<sockaddr*>(&address);
  EXPECT_EQ(::bind(listening.get(), plain, size), 0);
  EXPECT_EQ(::listen(listening.get(), 1), 0);
  EXPECT_EQ(::getsockname(listening.get(), plain, &size), 0);
  UniqueFd ours(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
  EXPECT_EQ(::connect(ours.get(), plain, size), 0);
  UniqueFd peers(::accept4(listening.get(), nullptr, nullptr, SOCK_CLOEXEC));
  const linger lingers{1, 1};
  EXPECT_EQ(::setsockopt(ours.get(), SOL_SOCKET, SO_LINGER, &lingers, sizeof lingers),
            0);
  static constexpr std::array<char, 65536> kBytes{};
  while (::send(ours.get(), kBytes.data(), kBytes.size(), MSG_DONTWAIT) > 0) {
  }
  return {std::move(ours), std::move(peers)};
}

std::vector<UniqueFd> only(UniqueFd fd) {
  std::vector<UniqueFd> one;
  one.push_back(std::move(fd));
  return one;
}

TEST(CloserTest, ClosesWhatItIsGiven) {
  const auto closer = std::make_shared<Closer>();
  Pipe pipe = Pipe::make();
  closer->close({});
  closer->close(only(std::move(pipe.given)));
  EXPECT_TRUE(pipe.closed_within(10'000));
}

TEST(CloserTest, WhatIsHeldIsClosedWhenNobodyHasAShare) {
  const auto closer = std::make_shared<Closer>();
  Pipe pipe = Pipe::make();
  auto held = closer->hold(only(std::move(pipe.given)));
  auto shared = held;
  ASSERT_EQ(shared->size(), 1U);
  held.reset();
  EXPECT_FALSE(pipe.closed_within(20));
  shared.reset();
  EXPECT_TRUE(pipe.closed_within(10'000));
}

TEST(CloserTest, HoweverManyWaitNoneIsClosedByWhoHandsItOver) {
  const auto closer = std::make_shared<Closer>();
  auto [slow, peer] = slow_to_close();
  EXPECT_FALSE(closer->is_behind());
  closer->close(only(std::move(slow)));
  std::vector<UniqueFd> many;
  for (int n = 0; n < 600; ++n)
    many.emplace_back(::open("/dev/null", O_RDONLY | O_CLOEXEC));
  closer->close(std::move(many));
  EXPECT_TRUE(closer->is_behind());
  Pipe last = Pipe::make();
  closer->close(only(std::move(last.given)));
  EXPECT_FALSE(last.closed_within(0));
  EXPECT_TRUE(last.closed_within(10'000));
  while (closer->is_behind()) std::this_thread::sleep_for(std::chrono::milliseconds(1));
}

}  // namespace
}  // namespace tally::job

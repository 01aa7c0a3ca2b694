// Each case in a child of its own: systemd's protocol is the process's environment and
// its third descriptor.
#include "daemon/socket_activation.h"

#include <gtest/gtest.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cstddef>
#include <cstdlib>
#include <cstring>
#include <functional>
#include <string>

namespace tally::daemon {
namespace {

constexpr int kPassed = 3;

// What a child's check() said; -1 if it ended in another way.
int in_child(const std::function<bool()>& check) {
  const pid_t child = ::fork();
  if (child == 0) ::_exit(check() ? 0 : 1);
  int status = 0;
  if (::waitpid(child, &status, 0) != child || !WIFEXITED(status)) return -1;
  return WEXITSTATUS(status);
}

void claim(int count) {
  ::setenv("LISTEN_PID", std::to_string(::getpid()).c_str(), 1);
  ::setenv("LISTEN_FDS", std::to_string(count).c_str(), 1);
}

bool pass_listening(int type, const std::string& path) {
  const int socket = ::socket(AF_UNIX, type, 0);
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  std::memcpy(address.sun_path, path.data(), path.size());
  const auto size =
      static_cast<socklen_t>(offsetof(sockaddr_un, sun_path) + path.size());
  return ::bind(socket, reinterpret_cast<const sockaddr*>(&address), size) == 0 &&
         (type == SOCK_DGRAM || ::listen(socket, 4) == 0) &&
         ::dup2(socket, kPassed) == kPassed;
}

bool refused(int count) {
  claim(count);
  const auto got = activated_socket();
  return !got && got.error().code() == "bad_activation";
}

class SocketActivationTest : public testing::Test {
 protected:
  SocketActivationTest() {
    std::string pattern = "/tmp/tally_activation_XXXXXX";
    folder_ = ::mkdtemp(pattern.data());
    path_ = folder_ + "/s";
  }
  ~SocketActivationTest() override {
    ::unlink(path_.c_str());
    ::rmdir(folder_.c_str());
  }
  std::string folder_;
  std::string path_;
};

TEST_F(SocketActivationTest, WithoutSystemdThereIsNone) {
  EXPECT_EQ(in_child([] {
              ::unsetenv("LISTEN_FDS");
              const auto got = activated_socket();
              return got && !*got;
            }),
            0);
}

TEST_F(SocketActivationTest, WhatIsMeantForAnotherProcessIsNotTaken) {
  EXPECT_EQ(in_child([this] {
              claim(1);
              ::setenv("LISTEN_PID", "1", 1);
              if (!pass_listening(SOCK_STREAM, path_)) return false;
              const auto got = activated_socket();
              return got && !*got;
            }),
            0);
}

TEST_F(SocketActivationTest, AListeningSocketIsTakenWithItsPathAndOutlivesUs) {
  EXPECT_EQ(in_child([this] {
              claim(1);
              if (!pass_listening(SOCK_STREAM, path_)) return false;
              const auto got = activated_socket();
              return got && *got && (*got)->fd.get() == kPassed &&
                     (*got)->path == path_ && std::getenv("LISTEN_FDS") == nullptr;
            }),
            0);
  EXPECT_EQ(::access(path_.c_str(), F_OK), 0);
}

TEST_F(SocketActivationTest, TwoSocketsAreRefused) {
  EXPECT_EQ(in_child([this] {
              if (!pass_listening(SOCK_STREAM, path_)) return false;
              ::dup2(kPassed, kPassed + 1);
              return refused(2);
            }),
            0);
}

TEST_F(SocketActivationTest, WhatIsNoListeningStreamSocketIsRefused) {
  EXPECT_EQ(
      in_child([this] { return pass_listening(SOCK_DGRAM, path_) && refused(1); }), 0);
  EXPECT_EQ(in_child([] {
              int ends[2];
              return ::pipe(ends) == 0 && ::dup2(ends[0], kPassed) == kPassed &&
                     refused(1);
            }),
            0);
}

TEST_F(SocketActivationTest, ASocketWithoutAPathIsRefused) {
  const std::string abstract =
      std::string(1, '\0') + "tally-activation-test-" + std::to_string(::getpid());
  EXPECT_EQ(
      in_child([&] { return pass_listening(SOCK_STREAM, abstract) && refused(1); }), 0);
}

}  // namespace
}  // namespace tally::daemon

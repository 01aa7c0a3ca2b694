#include "daemon/listening_socket.h"

#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <optional>
#include <string>

#include "ipc/endpoint.h"

namespace tally::daemon {
namespace {

namespace fs = std::filesystem;

class ListeningSocketTest : public testing::Test {
 protected:
  ListeningSocketTest() {
    std::string pattern = "/tmp/tally_listen_XXXXXX";
    folder_ = ::mkdtemp(pattern.data());
  }
  ~ListeningSocketTest() override { fs::remove_all(folder_); }

  std::string path(const std::string& name) const { return folder_ / name; }

  fs::path folder_;
};

TEST_F(ListeningSocketTest, ClientsConnectAndTheModeIsAsAsked) {
  const Result<ListeningSocket> socket = ListeningSocket::bind(path("s"), 0640);
  ASSERT_TRUE(socket) << socket.error().message();
  EXPECT_EQ(static_cast<unsigned>(fs::status(path("s")).permissions()), 0640U);
  EXPECT_TRUE(ipc::connect_to(path("s")));
}

TEST_F(ListeningSocketTest, TheFileGoesWithItAndTheLockStays) {
  { ASSERT_TRUE(ListeningSocket::bind(path("s"), 0600)); }
  EXPECT_FALSE(fs::exists(path("s")));
  EXPECT_TRUE(fs::exists(path("s.lock")));
}

TEST_F(ListeningSocketTest, ASecondOneIsRefusedAndTheFirstServesOn) {
  const Result<ListeningSocket> first = ListeningSocket::bind(path("s"), 0600);
  ASSERT_TRUE(first);
  const Result<ListeningSocket> second = ListeningSocket::bind(path("s"), 0600);
  ASSERT_FALSE(second);
  EXPECT_EQ(second.error().code(), "already_running");
  EXPECT_TRUE(ipc::connect_to(path("s")));
}

TEST_F(ListeningSocketTest, AFileThatIsNoSocketIsLeftAlone) {
  std::ofstream(path("s")) << "precious";
  const Result<ListeningSocket> socket = ListeningSocket::bind(path("s"), 0600);
  ASSERT_FALSE(socket);
  EXPECT_EQ(socket.error().code(), "not_a_socket");
  EXPECT_EQ(fs::file_size(path("s")), 8U);
}

TEST_F(ListeningSocketTest, AnothersSocketInItsPlaceIsNotUnlinked) {
  std::optional<ListeningSocket> ours;
  ours.emplace(*ListeningSocket::bind(path("s"), 0600));
  fs::remove(path("s"));
  const Result<ListeningSocket> other = ListeningSocket::bind(path("t"), 0600);
  ASSERT_TRUE(other);
  fs::create_hard_link(path("t"), path("s"));
  ours.reset();
  EXPECT_TRUE(fs::exists(path("s")));
}

TEST_F(ListeningSocketTest, APathOfOver107BytesIsRefusedWithItsLength) {
  EXPECT_TRUE(
      ListeningSocket::bind(path(std::string(107 - path("").size(), 'x')), 0600));
  const Result<ListeningSocket> socket =
      ListeningSocket::bind(path(std::string(108 - path("").size(), 'x')), 0600);
  ASSERT_FALSE(socket);
  EXPECT_EQ(socket.error().code(), "path_too_long");
  EXPECT_NE(socket.error().message().find("not 108"), std::string::npos);
}

}  // namespace
}  // namespace tally::daemon

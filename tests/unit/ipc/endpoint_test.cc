#include "ipc/endpoint.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <string>

namespace tally::ipc {
namespace {

// A folder of its own and an environment that names nothing else.
class Endpoints : public ::testing::Test {
 protected:
  void SetUp() override {
    std::string pattern = (std::filesystem::temp_directory_path() / "tally-XXXXXX");
    ASSERT_NE(::mkdtemp(pattern.data()), nullptr);
    folder_ = pattern;
    ::unsetenv("TALLY_SOCKET");
    ::setenv("XDG_RUNTIME_DIR", folder_.c_str(), 1);
  }
  void TearDown() override { std::filesystem::remove_all(folder_); }

  std::string path(const char* name) const { return folder_ / name; }

  UniqueFd listener(const std::string& at, bool listening) const {
    UniqueFd socket(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0));
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    std::memcpy(address.sun_path, at.data(), at.size());
    const auto* to = reinterpret_cast<const sockaddr*>(&address);
    EXPECT_EQ(::bind(socket.get(), to, sizeof address), 0);
    if (listening) {
      EXPECT_EQ(::listen(socket.get(), 4), 0);
    }
    return socket;
  }

  std::filesystem::path folder_;
};

std::string code_of(const std::string& path) {
  const Result<UniqueFd> socket = connect_to(path);
  return socket ? "connected" : socket.error().code();
}

TEST_F(Endpoints, TheOneGivenWinsAndIsNamed) {
  ::setenv("TALLY_SOCKET", "/from/environment", 1);
  const Endpoint endpoint = resolve_endpoint("/given");
  EXPECT_EQ(endpoint.path, "/given");
  EXPECT_TRUE(endpoint.named);
}

TEST_F(Endpoints, TheEnvironmentNamesOneToo) {
  ::setenv("TALLY_SOCKET", "/from/environment", 1);
  const Endpoint endpoint = resolve_endpoint("");
  EXPECT_EQ(endpoint.path, "/from/environment");
  EXPECT_TRUE(endpoint.named);
}

TEST_F(Endpoints, AnEmptyVariableNamesNone) {
  ::setenv("TALLY_SOCKET", "", 1);
  EXPECT_FALSE(resolve_endpoint("").named);
}

TEST_F(Endpoints, TheUsersSocketIsUsedIfItExists) {
  if (::access("/run/tally/tally.sock", F_OK) == 0) GTEST_SKIP() << "a system daemon";
  EXPECT_EQ(resolve_endpoint("").path, "");
  std::filesystem::create_directory(path("tally"));
  const UniqueFd socket = listener(path("tally/tally.sock"), true);
  const Endpoint endpoint = resolve_endpoint("");
  EXPECT_EQ(endpoint.path, path("tally/tally.sock"));
  EXPECT_FALSE(endpoint.named);
}

TEST_F(Endpoints, ConnectsCloseOnExec) {
  const UniqueFd daemon = listener(path("s"), true);
  const Result<UniqueFd> socket = connect_to(path("s"));
  ASSERT_TRUE(socket);
  EXPECT_NE(::fcntl(socket->get(), F_GETFD) & FD_CLOEXEC, 0);
}

TEST_F(Endpoints, WhereNobodyListensThereIsNoDaemon) {
  const UniqueFd bound = listener(path("bound"), false);
  std::ofstream(path("file")) << "x";
  for (const char* name : {"bound", "missing", "file/below"}) {
    const Result<UniqueFd> socket = connect_to(path(name));
    ASSERT_FALSE(socket) << name;
    EXPECT_EQ(socket.error().errc(), Errc::Unavailable) << name;
    EXPECT_EQ(socket.error().code(), "no_daemon") << name;
  }
  EXPECT_EQ(code_of(""), "no_daemon");
}

TEST_F(Endpoints, AFileThatIsNoSocketIsSaidToBeNone) {
  EXPECT_EQ(code_of("/etc/passwd"), "not_a_socket");
  EXPECT_EQ(code_of("/"), "not_a_socket");
}

TEST_F(Endpoints, ASocketThatRefusesUsIsPermissionDenied) {
  const UniqueFd daemon = listener(path("s"), true);
  ASSERT_EQ(::chmod(path("s").c_str(), 0), 0);
  // Root is refused nothing, so it becomes somebody for this.
  constexpr uid_t kNobody = 65534;
  const bool root = ::geteuid() == 0;
  if (root) {
    ASSERT_EQ(::seteuid(kNobody), 0);
  }
  const Result<UniqueFd> socket = connect_to(path("s"));
  if (root) {
    ASSERT_EQ(::seteuid(0), 0);
  }
  ASSERT_FALSE(socket);
  EXPECT_EQ(socket.error().errc(), Errc::PermissionDenied);
  EXPECT_EQ(socket.error().code(), "socket_denied");
}

TEST_F(Endpoints, APathThatNoSocketCanHaveIsRefused) {
  EXPECT_EQ(code_of("/" + std::string(107, 'x')), "path_too_long");
  EXPECT_EQ(code_of("/" + std::string(106, 'x')), "no_daemon");
}

}  // namespace
}  // namespace tally::ipc

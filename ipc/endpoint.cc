#include "ipc/endpoint.h"

#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/time.h>
#include <sys/un.h>
#include <unistd.h>

#include <cerrno>
#include <cstddef>
#include <cstdlib>
#include <cstring>

namespace tally::ipc {
namespace {

constexpr const char* kSystemSocket = "/run/tally/tally.sock";

// A daemon whose backlog stays full this long does not answer.
constexpr timeval kBacklogPatience{10, 0};

std::string environment(const char* name) {
  const char* value = std::getenv(name);
  return value == nullptr ? std::string() : std::string(value);
}

std::string user_socket() {
  const std::string runtime = environment("XDG_RUNTIME_DIR");
  return runtime.empty() ? std::string() : runtime + "/tally/tally.sock";
}

// A folder that we may not look into counts: a socket that refuses us is an error to
// be told, not to be passed over.
bool exists(const std::string& path) {
  return !path.empty() && (::access(path.c_str(), F_OK) == 0 || errno == EACCES);
}

bool is_socket(const std::string& path) {
  struct stat found {};
  return ::stat(path.c_str(), &found) == 0 && S_ISSOCK(found.st_mode);
}

Error connect_error(const std::string& path) {
  const int number = errno;
  switch (number) {
    case EACCES:
    case EPERM:
      return Error(Errc::PermissionDenied, "socket_denied",
                   "the socket " + path + " does not admit this user")
          .with("socket", path);
    case ENOENT:
    case ENOTDIR:
      return Error(Errc::Unavailable, "no_daemon",
                   "there is no socket " + path + "; is tallyd running?")
          .with("socket", path);
    case EAGAIN:
      return Error(Errc::Unavailable, "daemon_not_answering",
                   "the daemon on " + path + " takes no new connections")
          .with("socket", path);
    case ECONNREFUSED:
    case EPROTOTYPE:
      if (!is_socket(path))
        return Error(Errc::Unavailable, "not_a_socket",
                     path +
                         " is there, but it is no socket; name the one that tallyd "
                         "serves on")
            .with("socket", path);
      return Error(Errc::Unavailable, "no_daemon",
                   "nobody listens on " + path + "; is tallyd running?")
          .with("socket", path);
    default: break;
  }
  errno = number;
  return Error::from_errno("connect to " + path).with("socket", path);
}

}  // namespace

Endpoint resolve_endpoint(const std::string& given) {
  if (!given.empty()) return {given, true};
  if (std::string named = environment("TALLY_SOCKET"); !named.empty())
    return {std::move(named), true};
  if (exists(kSystemSocket)) return {kSystemSocket, false};
  if (std::string user = user_socket(); exists(user)) return {std::move(user), false};
  return {};
}

std::string default_listen_path() {
  return ::geteuid() == 0 ? std::string(kSystemSocket) : user_socket();
}

Result<UniqueFd> connect_to(const std::string& path) {
  if (path.empty())
    return Error(Errc::Unavailable, "no_daemon",
                 "no daemon was named and none of the usual sockets exists");
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  constexpr std::size_t kMaxPath = sizeof address.sun_path - 1;
  if (path.size() > kMaxPath)
    return Error(Errc::InvalidArgument, "path_too_long",
                 "the socket path " + path + " has " + std::to_string(path.size()) +
                     " bytes; a socket's path has at most " + std::to_string(kMaxPath))
        .with("limit", std::int64_t{kMaxPath});
  std::memcpy(address.sun_path, path.data(), path.size());

  UniqueFd socket(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0));
  if (!socket) return Error::from_errno("socket");
  // It bounds connect() while the backlog is full; sends do not block (client.h).
  ::setsockopt(socket.get(), SOL_SOCKET, SO_SNDTIMEO, &kBacklogPatience,
               sizeof kBacklogPatience);
  const auto* to = reinterpret_cast<const sockaddr*>(&address);
  while (::connect(socket.get(), to, sizeof address) != 0)
    if (errno != EINTR) return connect_error(path);
  return socket;
}

}  // namespace tally::ipc

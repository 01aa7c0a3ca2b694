#include "daemon/socket_activation.h"

#include <sys/socket.h>
#include <sys/un.h>
#include <systemd/sd-daemon.h>

#include <cerrno>
#include <cstddef>
#include <cstring>
#include <utility>

namespace tally::daemon {
namespace {

Error refused(const std::string& what) {
  return Error(
      Errc::InvalidArgument, "bad_activation",
      what + "; tallyd takes one ListenStream= with the path of a Unix socket");
}

// Empty: no path, such as that of a socket in the abstract namespace.
std::string path_of(int socket) {
  sockaddr_un address{};
  socklen_t size = sizeof address;
  if (::getsockname(socket, reinterpret_cast<sockaddr*>(&address), &size) != 0)
    return {};
  const std::size_t most = size - offsetof(sockaddr_un, sun_path);
  return std::string(address.sun_path, ::strnlen(address.sun_path, most));
}

}  // namespace

Result<std::optional<ActivatedSocket>> activated_socket() {
  const int count = ::sd_listen_fds(1);
  if (count < 0) {
    errno = -count;
    return Error::from_errno("sockets from systemd");
  }
  if (count == 0) return std::optional<ActivatedSocket>();
  if (count > 1) return refused("systemd passed " + std::to_string(count) + " sockets");
  UniqueFd fd(SD_LISTEN_FDS_START);
  if (::sd_is_socket_unix(fd.get(), SOCK_STREAM, 1, nullptr, 0) <= 0)
    return refused("systemd passed what is no listening Unix stream socket");
  std::string path = path_of(fd.get());
  if (path.empty()) return refused("systemd passed a Unix socket without a path");
  return std::optional(ActivatedSocket{std::move(fd), std::move(path)});
}

}  // namespace tally::daemon

#include "daemon/listening_socket.h"

#include <fcntl.h>
#include <sys/file.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <filesystem>
#include <utility>

namespace tally::daemon {
namespace {

Result<UniqueFd> lock_beside(const std::string& path) {
  const std::string name = path + ".lock";
  UniqueFd lock(::open(name.c_str(), O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600));
  if (!lock) return Error::from_errno("open " + name);
  if (::flock(lock.get(), LOCK_EX | LOCK_NB) == 0) return lock;
  if (errno == EWOULDBLOCK)
    return Error(Errc::Unavailable, "already_running",
                 "another tallyd has " + path + " (it holds " + name + ")");
  return Error::from_errno("lock " + name);
}

Result<UniqueFd> bind_socket(const sockaddr_un& address, std::uint32_t mode) {
  UniqueFd socket(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
  if (!socket) return Error::from_errno("socket");
  // Nobody may connect before the mode is right.
  const mode_t before = ::umask(0777);
  const int bound =
      ::bind(socket.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address);
  const int failed = errno;
  ::umask(before);
  errno = failed;
  if (bound != 0) return Error::from_errno(std::string("bind ") + address.sun_path);
  if (::chmod(address.sun_path, mode) != 0)
    return Error::from_errno(std::string("chmod ") + address.sun_path);
  if (::listen(socket.get(), SOMAXCONN) != 0) return Error::from_errno("listen");
  return socket;
}

}  // namespace

Result<ListeningSocket> ListeningSocket::bind(const std::string& path,
                                              std::uint32_t mode) {
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  if (path.empty() || path.size() >= sizeof address.sun_path)
    return Error(Errc::InvalidArgument, "path_too_long",
                 "a socket's path has 1 to " +
                     std::to_string(sizeof address.sun_path - 1) + " bytes, not " +
                     std::to_string(path.size()) + ": " + path);
  std::memcpy(address.sun_path, path.data(), path.size());

  const std::string directory = std::filesystem::path(path).parent_path().string();
  if (!directory.empty() && ::mkdir(directory.c_str(), 0755) != 0 && errno != EEXIST)
    return Error::from_errno("mkdir " + directory);
  Result<UniqueFd> lock = lock_beside(path);
  if (!lock) return std::move(lock).error();
  struct stat there {};
  if (::lstat(path.c_str(), &there) == 0) {
    if (!S_ISSOCK(there.st_mode))
      return Error(Errc::InvalidArgument, "not_a_socket",
                   path + " is there and is no socket; it is left alone");
    ::unlink(path.c_str());  // stale: nobody held the lock
  }
  Result<UniqueFd> socket = bind_socket(address, mode);
  if (!socket) return std::move(socket).error();
  return ListeningSocket(path, *std::move(lock), *std::move(socket));
}

ListeningSocket::ListeningSocket(std::string path, UniqueFd lock, UniqueFd socket)
    : path_(std::move(path)), lock_(std::move(lock)), socket_(std::move(socket)) {
  struct stat ours {};
  if (::lstat(path_.c_str(), &ours) == 0) {
    device_ = ours.st_dev;
    inode_ = ours.st_ino;
  }
}

ListeningSocket::~ListeningSocket() {
  if (path_.empty()) return;  // moved from
  struct stat there {};
  if (::lstat(path_.c_str(), &there) == 0 && there.st_dev == device_ &&
      there.st_ino == inode_)
    ::unlink(path_.c_str());
}

}  // namespace tally::daemon

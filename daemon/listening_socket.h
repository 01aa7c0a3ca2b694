// ListeningSocket: the daemon's own socket in the file system, and the lock beside it.
//
// A socket file is stale only if nobody holds the lock file beside it (PATH.lock): then
// it is replaced. Only a socket that we bound is unlinked, by the destructor; the lock
// file stays, as unlinking it would race with the next daemon.
//
// Threads: before others run, as binding sets the process's umask for a moment.
#pragma once

#include <cstdint>
#include <string>
#include <utility>

#include "ipc/base/result.h"
#include "ipc/base/unique_fd.h"

namespace tally::daemon {

class ListeningSocket {
 public:
  // Creates the directory (one level) if it is missing. Errors: InvalidArgument
  // "path_too_long", Unavailable "already_running", Io.
  static Result<ListeningSocket> bind(const std::string& path, std::uint32_t mode);
  ListeningSocket(ListeningSocket&& other) noexcept
      : path_(std::exchange(other.path_, {})),
        lock_(std::move(other.lock_)),
        socket_(std::move(other.socket_)),
        device_(other.device_),
        inode_(other.inode_) {}
  ListeningSocket& operator=(ListeningSocket&&) = delete;
  ~ListeningSocket();

  // The socket itself; the file and the lock stay here. Once.
  UniqueFd take() { return std::move(socket_); }
  const std::string& path() const { return path_; }

 private:
  ListeningSocket(std::string path, UniqueFd lock, UniqueFd socket);

  std::string path_;
  UniqueFd lock_;
  UniqueFd socket_;
  std::uint64_t device_ = 0;  // of the file we bound: another's is never unlinked
  std::uint64_t inode_ = 0;
};

}  // namespace tally::daemon

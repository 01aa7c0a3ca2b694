#include "ipc/base/write_all.h"

#include <unistd.h>

#include <cerrno>

namespace tally {

Result<void> write_all(int fd, std::span<const std::byte> bytes,
                       std::string_view what) {
  while (!bytes.empty()) {
    const ssize_t written = ::write(fd, bytes.data(), bytes.size());
    if (written < 0 && errno == EINTR) continue;
    if (written < 0) return Error::from_errno(what);
    bytes = bytes.subspan(static_cast<std::size_t>(written));
  }
  return {};
}

}  // namespace tally

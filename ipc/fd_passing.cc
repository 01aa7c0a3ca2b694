#include "ipc/fd_passing.h"

#include <sys/socket.h>

#include <array>
#include <cerrno>
#include <cstring>

#include "ipc/frame.h"

namespace tally::ipc {
namespace {

constexpr std::size_t kControlBytes = CMSG_SPACE(sizeof(int) * kMaxFrameDescriptors);

void take_descriptors(msghdr& message, std::vector<UniqueFd>& fds) {
  for (cmsghdr* part = CMSG_FIRSTHDR(&message); part != nullptr;
       part = CMSG_NXTHDR(&message, part)) {
    if (part->cmsg_level != SOL_SOCKET || part->cmsg_type != SCM_RIGHTS) continue;
    const std::size_t count = (part->cmsg_len - CMSG_LEN(0)) / sizeof(int);
    for (std::size_t i = 0; i < count; ++i) {
      int fd = -1;
      std::memcpy(&fd, CMSG_DATA(part) + i * sizeof(int), sizeof(int));
      fds.emplace_back(fd);
    }
  }
}

}  // namespace

Result<Moved> send_with_fds(int socket, std::span<const std::byte> bytes,
                            std::span<const int> fds, int flags) {
  TALLY_CHECK(!bytes.empty() && fds.size() <= kMaxFrameDescriptors);
  iovec part{const_cast<std::byte*>(bytes.data()), bytes.size()};
  msghdr message{};
  message.msg_iov = &part;
  message.msg_iovlen = 1;
  alignas(cmsghdr) std::array<char, kControlBytes> control;
  if (!fds.empty()) {
    const std::size_t payload = fds.size() * sizeof(int);
    std::memset(control.data(), 0, CMSG_SPACE(payload));
    message.msg_control = control.data();
    message.msg_controllen = CMSG_SPACE(payload);
    cmsghdr* rights = CMSG_FIRSTHDR(&message);
    rights->cmsg_level = SOL_SOCKET;
    rights->cmsg_type = SCM_RIGHTS;
    rights->cmsg_len = CMSG_LEN(payload);
    std::memcpy(CMSG_DATA(rights), fds.data(), payload);
  }
  for (;;) {
    const ssize_t sent = ::sendmsg(socket, &message, flags | MSG_NOSIGNAL);
    if (sent >= 0) return Moved{Transfer::Moved, static_cast<std::size_t>(sent)};
    if (errno == EINTR) continue;
    if (errno == EAGAIN || errno == EWOULDBLOCK) return Moved{Transfer::WouldBlock, 0};
    if (errno == EPIPE || errno == ECONNRESET) return Moved{Transfer::Closed, 0};
    return Error::from_errno("sendmsg");
  }
}

Result<Moved> receive_with_fds(int socket, std::span<std::byte> bytes,
                               std::vector<UniqueFd>& fds, int flags) {
  iovec part{bytes.data(), bytes.size()};
  alignas(cmsghdr) std::array<char, kControlBytes> control;
  for (;;) {
    msghdr message{};
    message.msg_iov = &part;
    message.msg_iovlen = 1;
    message.msg_control = control.data();
    message.msg_controllen = control.size();
    const ssize_t got = ::recvmsg(socket, &message, flags | MSG_CMSG_CLOEXEC);
    if (got < 0) {
      if (errno == EINTR) continue;
      if (errno == EAGAIN || errno == EWOULDBLOCK)
        return Moved{Transfer::WouldBlock, 0};
      if (errno == ECONNRESET) return Moved{Transfer::Closed, 0};
      return Error::from_errno("recvmsg");
    }
    const std::size_t before = fds.size();
    if (message.msg_controllen != 0) take_descriptors(message, fds);
    if ((message.msg_flags & MSG_CTRUNC) != 0) {
      fds.resize(before);
      return Error(Errc::ProtocolViolation, "descriptors_truncated",
                   "more descriptors came than fit, or this process may open no more");
    }
    if (got == 0) return Moved{Transfer::Closed, 0};
    return Moved{Transfer::Moved, static_cast<std::size_t>(got)};
  }
}

}  // namespace tally::ipc

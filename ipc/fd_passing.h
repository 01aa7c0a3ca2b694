// Descriptor passing: sendmsg and recvmsg with SCM_RIGHTS.
//
// Received descriptors are close-on-exec from birth. Nothing leaks: if the kernel cut
// the list short (MSG_CTRUNC) those that arrived are closed and an Error is returned.
// Threads: pure system-call wrappers.
#pragma once

#include <cstddef>
#include <span>
#include <vector>

#include "ipc/base/result.h"
#include "ipc/base/unique_fd.h"

namespace tally::ipc {

// How one transfer went. `bytes` is 0 with Closed and WouldBlock.
enum class Transfer { Moved, WouldBlock, Closed };
struct Moved {
  Transfer state = Transfer::Moved;
  std::size_t bytes = 0;
};

// Sends bytes (at least one) with descriptors (at most 64) on the first. `flags` as
// for sendmsg; MSG_NOSIGNAL is added; EINTR is retried. A peer that is gone is Closed.
// With descriptors a stream socket may send only some of the bytes: the descriptors
// went with the first. Errors: Io.
Result<Moved> send_with_fds(int socket, std::span<const std::byte> bytes,
                            std::span<const int> fds, int flags);

// Receives at most bytes.size() bytes, appending arrived descriptors to `fds`.
// Errors: Io; ProtocolViolation "descriptors_truncated" (the bytes have come, of the
// descriptors none; this process may be at its limit).
Result<Moved> receive_with_fds(int socket, std::span<std::byte> bytes,
                               std::vector<UniqueFd>& fds, int flags);

}  // namespace tally::ipc

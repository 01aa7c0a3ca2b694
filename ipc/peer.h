// Peer: who is at the other end of a Unix socket, as the kernel tells it.
#pragma once

#include <sys/types.h>

#include <cstdint>

#include "ipc/base/result.h"

namespace tally::ipc {

struct Peer {
  std::uint32_t uid = 0;
  std::uint32_t gid = 0;
  std::int32_t pid = 0;  // a name only; it may have been reused
};

// SO_PEERCRED: the peer's credentials when it connected. Errors: Io.
Result<Peer> peer_of(int socket);

}  // namespace tally::ipc

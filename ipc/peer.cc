#include "ipc/peer.h"

#include <sys/socket.h>

namespace tally::ipc {

Result<Peer> peer_of(int socket) {
  ucred credentials{};
  socklen_t size = sizeof credentials;
  if (::getsockopt(socket, SOL_SOCKET, SO_PEERCRED, &credentials, &size) != 0)
    return Error::from_errno("SO_PEERCRED");
  return Peer{credentials.uid, credentials.gid, credentials.pid};
}

}  // namespace tally::ipc

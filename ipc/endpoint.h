// Endpoint: which socket a client talks to, and connecting to it.
//
// Resolution (design: the CLI contract): the path given, else $TALLY_SOCKET (both count
// as named), else /run/tally/tally.sock if it exists, else
// $XDG_RUNTIME_DIR/tally/tally.sock if it exists.
#pragma once

#include <string>

#include "ipc/base/result.h"
#include "ipc/base/unique_fd.h"

namespace tally::ipc {

struct Endpoint {
  std::string path;    // empty: none was named and none of the usual ones exists
  bool named = false;  // by --socket or $TALLY_SOCKET: never a reason to embed
};

// `given` is --socket's value, empty if there was none.
Endpoint resolve_endpoint(const std::string& given);

// The path a daemon listens on when nothing says otherwise: /run/tally/tally.sock as
// root, else $XDG_RUNTIME_DIR/tally/tally.sock, else empty.
std::string default_listen_path();

// Connects a stream socket, close-on-exec. Errors: Unavailable "no_daemon" (nobody
// listens, no such socket), PermissionDenied "socket_denied", InvalidArgument
// "path_too_long" (over 107 bytes).
Result<UniqueFd> connect_to(const std::string& path);

}  // namespace tally::ipc

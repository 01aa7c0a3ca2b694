// Socket activation: the listening socket that systemd made and passed to us.
//
// Such a socket is systemd's: it is never bound, chmod'ed or unlinked here, and no lock
// file is taken for it, as systemd passes it to one process at a time. It outlives us:
// who connects while we restart waits in its backlog.
#pragma once

#include <optional>
#include <string>

#include "ipc/base/result.h"
#include "ipc/base/unique_fd.h"

namespace tally::daemon {

struct ActivatedSocket {
  UniqueFd fd;
  std::string path;
};

// Not set: systemd passed none. Takes $LISTEN_FDS out of the environment, which our
// workers must not see. Errors: InvalidArgument "bad_activation": more than one, or no
// listening Unix stream socket with a path.
Result<std::optional<ActivatedSocket>> activated_socket();

}  // namespace tally::daemon

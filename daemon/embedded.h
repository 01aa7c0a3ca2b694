// Embedded: the daemon's own core on a thread of the calling program.
//
// The same sessions, scheduler, workers and wire as tallyd's, reached over a
// socketpair instead of a listening socket: same messages, same code, same bits.
//
// Threads: any one at a time. Lifetime: the destructor drains nothing: it cancels what
// runs, ends the workers and joins the thread.
#pragma once

#include <memory>
#include <string>

#include "config/config.h"
#include "ipc/base/result.h"
#include "ipc/base/unique_fd.h"

namespace tally::daemon {

class Embedded {
 public:
  // Starts the core. Errors: NotFound "no_worker_program", Io, Internal.
  static Result<std::unique_ptr<Embedded>> start(const config::Config& config);
  ~Embedded();

  // A connected client socket.
  Result<UniqueFd> connect();

 private:
  struct Impl;
  explicit Embedded(std::unique_ptr<Impl> impl);
  std::unique_ptr<Impl> impl_;
};

}  // namespace tally::daemon

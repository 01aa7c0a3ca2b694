// Embedded: the daemon's own core on a thread of the calling program.
//
// The same sessions, scheduler, workers and wire as tallyd's, reached over a
// socketpair instead of a listening socket: same messages, same code, same bits.
// Nothing of the program is touched: client/include/tally/tally_embed.h has the
// promise.
//
// Threads: connect() any, several at a time; the others one. Lifetime: the destructor
// drains nothing: it cancels what runs, ends the workers and joins the thread. Never
// destroy it in a forked child.
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

  // A connected client socket; at its end right away if the core has gone meanwhile.
  Result<UniqueFd> connect();

 private:
  struct Impl;
  explicit Embedded(std::unique_ptr<Impl> impl);
  std::unique_ptr<Impl> impl_;
};

}  // namespace tally::daemon

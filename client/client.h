// Client: one connection to a tally daemon, as C++ inside this repository.
//
// The C ABI (include/tally/tally.h) and the CLI are both written over this class. It
// speaks the wire of ipc/PROTOCOL.md: requests are numbered, replies may come in any
// order, so several jobs can be in flight on one connection.
//
// submit() only queues the request; it leaves with the next flush(), wait or call, or
// once many are queued, so that many submits go out in one send. Descriptors are
// duplicated; the caller keeps its own and may close them when the call returns.
//
// A connection that is lost while the daemon has jobs worth keeping (kept_job.h) is
// made anew from within waits, as long as the daemon waits for us ([limits]
// attached_grace): those jobs are submitted again under their client ids, which gives
// the same jobs, not others. What else was outstanding gets its "connection_lost". fd()
// is another one then. Not after dispatch(), whose host watches the socket; not with
// adopt(); and a daemon that was started anew has none of the jobs: "connection_lost".
//
// Threads: one at a time. Blocking: every wait also watches for the peer's death and
// for the deadline given at connect or call. A program with an event loop of its own
// polls fd() for pending_input() and pending_output(), calls dispatch(), which never
// blocks, and takes the tickets whose replies have come from next_ready().
// Errors: Unavailable (nobody listens, the daemon went away: code "connection_lost"),
// PermissionDenied, DeadlineExceeded, ProtocolViolation, and whatever the daemon says.
#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "ipc/base/result.h"
#include "ipc/base/unique_fd.h"
#include "ipc/model/request.h"

namespace tally::client {

// Opens a file of a windowed source, by its place; an Error fails the job.
using FileOpener = std::function<Result<UniqueFd>(std::uint32_t file)>;
using ProgressCallback = std::function<void(const model::JobProgress&)>;

struct ConnectOptions {
  std::chrono::nanoseconds timeout{std::chrono::seconds(10)};  // of the hello; 0: none
};

// A submitted job of this connection.
struct Ticket {
  std::uint32_t sequence = 0;
};

class Client {
 public:
  // Connects to a Unix socket and exchanges hellos. Errors: Unavailable (no such
  // socket, nobody listens: "no_daemon"), PermissionDenied, ProtocolViolation.
  static Result<std::unique_ptr<Client>> connect(const std::string& socket_path,
                                                 const ConnectOptions& options);
  // Takes a socket that is already connected (an embedded daemon's).
  static Result<std::unique_ptr<Client>> adopt(UniqueFd connected,
                                               const ConnectOptions& options);
  ~Client();
  Client(const Client&) = delete;
  Client& operator=(const Client&) = delete;

  const model::Hello& daemon() const;  // who answered
  int fd() const;                      // for poll; stays owned here
  bool pending_input() const;          // false: the connection is lost
  bool pending_output() const;         // dispatch() has something to send

  // Sends and receives what the socket takes and gives at once, calls progress
  // callbacks, never blocks. Errors: those of a lost connection, also when asked again;
  // every ticket is then ready.
  Result<void> dispatch();

  // A ticket for which wait() returns at once, each given once, in the order the
  // replies came; none if there is none now. Tickets that wait() took are left out.
  std::optional<Ticket> next_ready();

  // Queues a job. `fds` are those that spec.source names by index. `progress` is called
  // from within waits and calls; it must not use this client. So is `files`, which a
  // windowed source needs, whenever the daemon asks for some.
  // Errors: InvalidArgument (message too large), Io, and those of a lost connection.
  Result<Ticket> submit(const model::JobSpec& spec, std::span<const int> fds,
                        model::ReplyWhen reply_when, ProgressCallback progress = {},
                        FileOpener files = {});

  // Queues a wait for a job that was submitted anywhere, by its id: a ticket like that
  // of a submit. Errors: Io, and those of a lost connection.
  Result<Ticket> attach(model::JobId id);

  // Sends what is queued; blocks while the socket is full (reading replies meanwhile).
  // `interrupt_fd` as for wait().
  Result<void> flush(int interrupt_fd = -1);

  // The reply to a submit: JobAnswer (reply_when Finished) or Accepted. Blocks.
  // A job that ended in an error is an answer with state failed, not an Error here;
  // Errors are refusals of the request and losses of the connection.
  // `interrupt_fd` (-1: none): when it becomes readable, waiting stops with Cancelled,
  // code "interrupted"; the ticket stays valid, so that cancel() and a second wait are
  // possible. A ticket is good for one reply: InvalidArgument "unknown_ticket" after
  // it.
  Result<model::Reply> wait(Ticket ticket, int interrupt_fd = -1);

  // Asks for a cancellation by ticket; does not wait for the job to end.
  Result<void> cancel(Ticket ticket, int interrupt_fd = -1);

  // Gives a job up: asks for its cancellation and drops its reply, whenever it comes.
  // Does not block; sent with the next flush() if the socket is full.
  void abandon(Ticket ticket);

  // Before the connection is closed on purpose: the daemon need not wait for us. Does
  // not block, and may come too late if the socket is full.
  void leave();

  // Any request with a reply at once: Ping, GetServerStatus, List, Status, Cancel,
  // Wait, Explain, Drain. A Reply that holds an Error is returned as that Error.
  // `timeout` 0: no deadline. `files` as for submit(), of an Explain.
  Result<model::Reply> call(const model::Request& request,
                            std::span<const int> fds = {},
                            std::chrono::nanoseconds timeout = {},
                            int interrupt_fd = -1, FileOpener files = {});

 private:
  struct Impl;
  explicit Client(std::unique_ptr<Impl> impl);
  std::unique_ptr<Impl> impl_;
};

}  // namespace tally::client

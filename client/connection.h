// Connection: one socket to a daemon: requests go out, frames come in.
//
// Requests are appended to a buffer and leave together. A request with descriptors is
// the first of the send that carries it, so that they ride on its first byte.
//
// Threads: one. Ownership: owns the socket; descriptors to send are duplicated, the
// caller's stay the caller's.
// Errors: after one other than DeadlineExceeded and Cancelled the connection is dead.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <vector>

#include "ipc/base/clock.h"
#include "ipc/base/result.h"
#include "ipc/base/short_poll.h"
#include "ipc/base/unique_fd.h"
#include "ipc/frame_reader.h"
#include "ipc/message.h"
#include "ipc/model/request.h"

namespace tally::client {

// How long to wait, and what cuts it short.
struct Patience {
  Nanoseconds deadline_ns = 0;  // on monotonic_ns(); 0: none
  int interrupt_fd = -1;        // readable: stop; -1: none
};

class Connection {
 public:
  explicit Connection(UniqueFd socket);

  int fd() const { return socket_.get(); }
  std::size_t unsent_bytes() const { return out_.size() - sent_; }

  // Errors: InvalidArgument (the message is too large, too many descriptors), Io (a
  // descriptor cannot be duplicated); nothing is queued then.
  Result<void> queue(std::uint32_t sequence, const model::Request& request,
                     std::span<const int> fds);

  // Sends what the socket takes at once. A peer that is gone is no error here: what it
  // said before it left has yet to be received.
  Result<void> send_some();

  // Waits until something was received or, while bytes are unsent, may be sent. Call
  // next() until it gives none before calling this again.
  // Errors: Unavailable "connection_lost", DeadlineExceeded, Cancelled "interrupted",
  // ProtocolViolation, Io.
  Result<void> await(const Patience& patience);

  // Receives what is there; never waits. False: nothing was. As for await(), call
  // next() until it gives none before calling this again. Errors: as await()'s.
  Result<bool> receive_some();

  // The next frame that was received. Its body is valid until the next await() or
  // receive_some().
  Result<std::optional<ipc::Frame>> next() { return reader_.next(); }

 private:
  // Descriptors that ride on the byte at `offset` of out_.
  struct Passenger {
    std::size_t offset = 0;
    std::vector<UniqueFd> fds;
  };

  Result<ipc::Moved> send_run();
  void forget_sent();
  Result<bool> poll(const Patience& patience);
  Result<bool> receive(int flags);
  Result<bool> receive_soon();

  UniqueFd socket_;
  ipc::FrameReader reader_;
  ipc::Bytes out_;
  std::size_t sent_ = 0;               // bytes of out_ that have left
  std::vector<Passenger> passengers_;  // ascending offsets, all >= sent_
  bool peer_gone_ = false;             // for sends
  ShortPoll short_poll_;
};

}  // namespace tally::client

// WorkerLink: the daemon's end of one worker's socketpair.
//
// Sends assignments without ever blocking the loop (what does not fit waits for the
// socket), and yields the worker's messages. End-of-file means the worker is lost; why,
// the zygote tells.
//
// Threads: the loop's. Lifetime: `events` must outlive it; once destroyed it calls
// nothing more.
#pragma once

#include <asio/io_context.hpp>

#include <cstdint>
#include <memory>
#include <vector>

#include "ipc/base/result.h"
#include "ipc/base/unique_fd.h"
#include "ipc/codec/worker_codec.h"
#include "runtime/exec/path.h"

namespace tally::exec {

class WorkerLinkEvents {
 public:
  virtual ~WorkerLinkEvents() = default;
  virtual void on_worker_message(std::uint64_t serial, ipc::WorkerMessage message) = 0;
  // The worker closed its end, or said something that is no message.
  virtual void on_link_closed(std::uint64_t serial, Error why) = 0;
};

class WorkerLink {
 public:
  WorkerLink(asio::io_context& loop, UniqueFd end, std::uint64_t serial,
             WorkerLinkEvents& events);
  ~WorkerLink();
  WorkerLink(const WorkerLink&) = delete;
  WorkerLink& operator=(const WorkerLink&) = delete;

  // Errors: InvalidArgument "message_too_large"; Io. A worker that is gone is no error
  // here: on_link_closed tells.
  Result<void> assign(std::vector<Assignment> batch);
  Result<void> forget(std::vector<std::uint64_t> arrays);

 private:
  struct Impl;
  std::shared_ptr<Impl> impl_;  // shared with the coroutines
};

}  // namespace tally::exec

// Zygote: the daemon's end of the fork server.
//
// Spawns tally-worker (exec, never fork of this process), asks it for workers, and
// reports what it tells. Unless it is an orphan (spawn_zygote.h) the process that
// spawned it must keep the spawning thread alive: PDEATHSIG follows the thread.
//
// Threads: the loop's. Lifetime: `events` must outlive it; once destroyed it calls
// nothing more, ends the zygote by closing its socket, and reaps it.
#pragma once

#include <asio/io_context.hpp>

#include <sys/types.h>

#include <cstdint>
#include <memory>

#include "ipc/base/result.h"
#include "ipc/base/unique_fd.h"
#include "runtime/exec/process/spawn_zygote.h"
#include "runtime/exec/process/zygote_protocol.h"

namespace tally::exec {

class ZygoteEvents {
 public:
  virtual ~ZygoteEvents() = default;
  virtual void on_forked(std::uint64_t serial, pid_t pid, UniqueFd pidfd) = 0;
  virtual void on_fork_failed(std::uint64_t serial, int error_number) = 0;
  virtual void on_death(const ZygoteMessage& death) = 0;
  // The zygote itself is gone, and its workers with it. Destroy the Zygote.
  virtual void on_zygote_gone() = 0;
};

class Zygote {
 public:
  // Errors: NotFound "no_worker_program", Io.
  static Result<std::unique_ptr<Zygote>> spawn(asio::io_context& loop,
                                               const ZygoteOptions& options,
                                               ZygoteEvents& events);
  ~Zygote();
  Zygote(const Zygote&) = delete;
  Zygote& operator=(const Zygote&) = delete;

  // Asks for a worker; on_forked or on_fork_failed answers. Both descriptors are
  // duplicated into the message. Errors: Io (the zygote is gone: on_zygote_gone will
  // come too).
  Result<void> fork_worker(std::uint64_t serial, int link, int page);

  // SIGKILL: for one that answers no more. on_zygote_gone follows.
  void kill();

  pid_t pid() const;

 private:
  struct Impl;
  explicit Zygote(std::shared_ptr<Impl> impl) : impl_(std::move(impl)) {}
  std::shared_ptr<Impl> impl_;  // shared with the coroutine that reads
};

}  // namespace tally::exec

// LostJobs: attached jobs whose client's connection is gone.
//
// One whose client gave it an id goes on for `[limits] attached_grace`: a submit that
// comes again meanwhile takes it up. An id that libtally made is known to its process
// only, so such a job goes on no longer than that process. Others are cancelled at
// once, and so are all once the daemon drains, as nobody comes back to it.
//
// It watches at most kMostWatched processes of a uid; of more the jobs are cancelled at
// once.
//
// Threads: the loop's. `loop` and `engine` must outlive it.
#pragma once

#include <asio/io_context.hpp>
#include <asio/posix/stream_descriptor.hpp>
#include <asio/steady_timer.hpp>

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <memory>
#include <unordered_map>

#include "ipc/base/clock.h"
#include "ipc/peer.h"
#include "runtime/engine.h"

namespace tally::daemon {

class LostJobs {
 public:
  LostJobs(asio::io_context& loop, Engine& engine, std::chrono::nanoseconds grace);
  ~LostJobs();

  // `client` has lost the session by which it submitted the job. True: the job goes on,
  // and waits for it.
  bool add(std::uint64_t job, const ipc::Peer& client);

  // Cancels those that wait, some at a time; from now on nobody is waited for.
  void give_up();

 private:
  static constexpr std::size_t kMostWatched = 256;

  struct Waiting {
    std::uint64_t job = 0;
    Nanoseconds left_ns = 0;
    std::int32_t pid = 0;  // goes on no longer than that process; 0: than none
  };
  struct Process {
    asio::posix::stream_descriptor end;  // a pidfd: readable once it has ended
    std::uint64_t jobs = 0;
    std::uint32_t uid = 0;  // of who was there first
  };

  bool watch(const ipc::Peer& client);
  void process_ended(std::int32_t pid);
  void let_go(const Waiting& waiting);
  void arm();
  void cancel_due();

  asio::io_context& loop_;
  Engine& engine_;
  const Nanoseconds grace_ns_;
  bool given_up_ = false;
  std::deque<Waiting> waiting_;  // in the order they were left
  std::deque<Waiting> due_;
  bool cancelling_ = false;  // a call of cancel_due() is posted
  std::unordered_map<std::int32_t, Process> processes_;
  asio::steady_timer timer_;
  std::shared_ptr<bool> alive_ = std::make_shared<bool>(true);
};

}  // namespace tally::daemon

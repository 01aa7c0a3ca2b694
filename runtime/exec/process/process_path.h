// ProcessPath: chunks on preforked worker processes, one chunk at a time each.
//
// Keeps `workers` slots filled: forks through the zygote, offers a slot when its worker
// says hello, and when one dies reports what was lost with its cause and starts a
// replacement at once (with back-off when workers die young). When the zygote dies its
// workers do; both are started again and their chunks are lost without a charge, but
// for those that were in a kernel: it may have killed the zygote, and would do so
// again.
//
// End-of-file on a link means "lost"; the zygote's message brings the cause, so a loss
// is reported when both are there, or when kCauseGrace has passed (cause then unknown).
//
// A worker that does not heed an interrupt within kHeedGrace gets SIGTERM, then
// SIGKILL. One is killed if a call of a kernel takes longer than Options::kernel_stall
// (cause "kernel_stalled"), and if anything else stands still for Options::worker_stall
// ("worker_stalled").
//
// Threads: the loop's. Lifetime: the io_context and `events` must outlive it.
#pragma once

#include <asio/io_context.hpp>
#include <asio/steady_timer.hpp>

#include <chrono>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "runtime/account/oom_kills.h"
#include "runtime/exec/activity.h"
#include "runtime/exec/chunk_page.h"
#include "runtime/exec/path.h"
#include "runtime/exec/process/work_moment.h"
#include "runtime/exec/process/worker_link.h"
#include "runtime/exec/process/worker_process.h"
#include "runtime/exec/process/worker_state.h"
#include "runtime/exec/process/zygote.h"

namespace tally::exec {

class ProcessPath : public ExecutionPath,
                    private ZygoteEvents,
                    private WorkerLinkEvents {
 public:
  using Log = std::function<void(const std::string&)>;

  struct Options {
    std::uint32_t workers = 1;
    // How long one call of a kernel may go on; longer, and its worker is killed.
    std::chrono::nanoseconds kernel_stall{std::chrono::minutes(5)};
    // How long anything else of a chunk may stand still.
    std::chrono::nanoseconds worker_stall{std::chrono::minutes(5)};
    // A worker this old is replaced, by one that is ready before it stops.
    AgeLimits age;
    ZygoteOptions zygote;
  };
  // What `status` shows of a slot.
  struct WorkerView {
    WorkerState state = WorkerState::Dead;
    std::uint32_t pid = 0;
    std::uint64_t job = 0;  // 0: none
    std::uint64_t chunks_done = 0;
    std::uint64_t restarts = 0;
    std::string doing;                 // "chunk 3: reading file 0"; empty: nothing
    std::chrono::nanoseconds still{};  // since that was last seen to move
  };

  ProcessPath(asio::io_context& loop, Options options, PathEvents& events, Log log);
  ~ProcessPath() override;

  // Spawns the zygote and asks for the workers. Errors: NotFound "no_worker_program".
  Result<void> start();
  // Asks every worker to stop and starts no more; `stopped` is called once all are
  // gone.
  void stop(std::function<void()> stopped);

  void run(std::uint32_t slot, std::vector<Assignment> batch) override;
  void interrupt(std::uint32_t slot, std::uint64_t job) override;
  std::uint64_t advanced(std::uint32_t slot) const override;
  std::uint32_t pid(std::uint32_t slot) const override;
  bool works_on(std::uint32_t slot, std::uint64_t job) const override;

  // Arrays that were kept mapped (FilePieces::kept_array) and are needed no more.
  void forget(const std::vector<std::uint64_t>& arrays);

  WorkerView view(std::uint32_t slot);
  Activity activity() const;
  std::uint32_t workers() const { return static_cast<std::uint32_t>(slots_.size()); }
  std::uint32_t zygote_pid() const;
  std::uint64_t zygote_restarts() const { return zygote_restarts_; }
  // Why the pool is of little use, for people: workers or the zygote keep dying as they
  // start. Empty: it is not so.
  std::string degraded() const;

 private:
  struct Slot;
  struct Retired;

  void on_forked(std::uint64_t serial, pid_t pid, UniqueFd pidfd) override;
  void on_fork_failed(std::uint64_t serial, int error_number) override;
  void on_death(const ZygoteMessage& death) override;
  void on_zygote_gone() override;
  void on_worker_message(std::uint64_t serial, ipc::WorkerMessage message) override;
  void on_link_closed(std::uint64_t serial, Error why) override;

  Slot* find(std::uint64_t serial);
  Slot* find_by_successor(std::uint64_t serial);
  void apply(Slot& slot, WorkerEvent event);
  Result<WorkerProcess> ask_for_worker();
  void fork(Slot& slot);
  void start_with(Slot& slot, WorkerProcess worker);
  void fork_later(Slot& slot);
  void start_zygote_later();
  void ready(Slot& slot, WorkerProcess& worker, const ipc::WorkerReady& hello);
  void ready_if_complete(Slot& slot);
  void outcomes(Slot& slot, std::vector<model::ChunkOutcome> all);
  void give_images(Slot& slot, Assignment& assignment);
  void watch_later();
  void kill_if_still(Slot& slot);
  void end_if_deaf(Slot& slot);
  void end_deaf(Slot& slot);
  void kill_if_it_stays(Slot& slot);
  void look_at_zygote_later(std::uint64_t serial);
  Error cause_of(std::uint32_t number, const ZygoteMessage& death);
  static std::optional<Error> unknown(const Slot& slot);
  void lose(Slot& slot, Error cause, bool spends_attempt);
  void recycle_if_due(Slot& slot);
  std::optional<WorkerProcess> take_successor(Slot& slot);
  void take_over_successor(Slot& slot);
  void drop_successor(Slot& slot, const std::string& why);
  void put_off_successor(const Slot& slot, const std::string& why);
  void succeed_if_ready(Slot& slot);
  void retire(WorkerProcess worker);
  void arm(Slot& slot, std::chrono::milliseconds after);
  void check_stopped();

  asio::io_context& loop_;
  const Options options_;
  PathEvents& events_;
  const Log log_;
  std::unique_ptr<Zygote> zygote_;
  std::vector<std::unique_ptr<Slot>> slots_;
  std::map<std::uint64_t, std::unique_ptr<Retired>> retired_;  // by serial
  Nanoseconds no_successor_before_ns_ = 0;
  std::uint64_t next_serial_ = 1;
  std::uint64_t zygote_restarts_ = 0;
  std::uint32_t zygote_failures_ = 0;  // in a row, and no worker was ready meanwhile
  std::string young_death_;            // the last one's cause
  asio::steady_timer zygote_timer_;
  asio::steady_timer zygote_look_timer_;
  std::uint64_t last_forked_ = 0;  // of the serials that the zygote answered
  account::OomKills oom_kills_ = account::OomKills::own();
  const StallLimits limits_{options_.kernel_stall, options_.worker_stall};
  asio::steady_timer watch_timer_;
  bool watching_ = false;          // watch_timer_ runs
  std::function<void()> stopped_;  // set by stop()
};

}  // namespace tally::exec

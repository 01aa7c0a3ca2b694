// Core: the daemon without its process: sessions, access, the engine, the life cycle.
//
// tallyd gives it a listening socket; an embedding program gives it connected ones. All
// of it lives on one io_context, whose thread is the only one that touches it.
//
//   Serving --drain()--> Draining --no job left, or the deadline--> Stopping -->
//   Stopped
//
// Threads: the loop's, but for adopt_later() and drain_later(), which any may call.
// Lifetime: the io_context must outlive it. Run the loop until on_stopped.
#pragma once

#include <asio/io_context.hpp>
#include <asio/local/stream_protocol.hpp>
#include <asio/steady_timer.hpp>

#include <functional>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "config/config.h"
#include "config/reload.h"
#include "daemon/access.h"
#include "daemon/canary.h"
#include "daemon/lost_jobs.h"
#include "daemon/session.h"
#include "daemon/session_accounts.h"
#include "ipc/base/result.h"
#include "ipc/base/unique_fd.h"
#include "runtime/engine.h"
#include "runtime/log_limit.h"

namespace tally::daemon {

struct CoreOptions {
  config::Config config;
  model::DaemonKind kind = model::DaemonKind::Private;
  std::string socket;          // its path, for status; empty when embedded
  std::string worker_program;  // resolved
  // "NAME=value"; none: this process's at the time a zygote is started.
  std::optional<std::vector<std::string>> worker_environment;
  std::optional<Watchdog> watchdog;  // to be fed while every path works
  std::function<void(const std::string&)> log = [](const std::string&) {};
  std::function<void()> on_stopped = [] {};  // the loop may be left
};

class Core : private SessionHost {
 public:
  Core(asio::io_context& loop, CoreOptions options);
  ~Core() override;

  // Starts zygote and workers. Errors: NotFound "no_worker_program", Io.
  Result<void> start();

  // Accepts clients from a listening socket, and closes it when draining begins: who
  // comes then is refused by the kernel, or waits for systemd's next start.
  Result<void> listen(UniqueFd listening);
  // Serves one connected client.
  void adopt(UniqueFd connected);
  void adopt_later(UniqueFd connected);  // from any thread

  // Takes no new clients or jobs, lets jobs end until the drain timeout, cancels the
  // rest, ends the workers, then calls on_stopped. Once; later calls change nothing.
  void drain();
  // Like drain, but cancels what runs at once.
  void stop();

  // Whoever runs the loop says so each time before it looks for what is ready.
  void loop_looks() { turns_.renew(); }

  // Takes over the keys of `loaded` that may change while we run, for what happens from
  // now on: clients that are connected stay what they were. Says what was changed.
  config::Reload reload(const config::Config& loaded);

 private:
  enum class State { Serving, Draining, Stopping, Stopped };

  static asio::awaitable<Result<void>> accept(Core& core);
  Admission admission(const ipc::Peer& peer, int socket) const;
  void move_to(State next);
  void stop_engine();
  void stopped();

  void flush_now();

  void flush_later(std::shared_ptr<Session> session) override;
  TurnQueue& turns() override { return turns_; }
  SessionAccounts& accounts() override { return accounts_; }
  void session_ended(const std::shared_ptr<Session>& session,
                     const Result<void>& how) override;
  bool job_left(std::uint64_t job, const ipc::Peer& client) override;
  void jobs_go_on(std::size_t jobs, const ipc::Peer& client) override;
  void drain_requested() override;
  void complete(model::ServerStatus& status) override;

  asio::io_context& loop_;
  CoreOptions options_;                       // its config changes by reload() only
  std::vector<std::string> restart_pending_;  // keys, as the last reload found
  Access access_;
  TurnQueue turns_;
  Engine engine_;
  Canary canary_;
  LostJobs lost_jobs_;
  State state_ = State::Serving;
  std::optional<asio::local::stream_protocol::acceptor> acceptor_;
  std::set<std::shared_ptr<Session>> sessions_;
  std::vector<std::shared_ptr<Session>> dirty_;  // have replies to send
  bool flush_posted_ = false;
  LogLimit ended_badly_;  // lines that a client causes by how it goes
  LogLimit jobs_left_;
  SessionAccounts accounts_;  // their number: without those refused, on their way out
  asio::steady_timer drain_timer_;
  asio::steady_timer accept_pause_;
};

}  // namespace tally::daemon

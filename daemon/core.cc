#include "daemon/core.h"

#include <unistd.h>

#include <asio/post.hpp>
#include <asio/redirect_error.hpp>
#include <asio/use_awaitable.hpp>

#include <algorithm>
#include <chrono>
#include <string_view>
#include <thread>
#include <utility>

#include "config/quantity.h"
#include "daemon/settings.h"

namespace tally::daemon {
namespace {

constexpr std::uint32_t kMostLinesASecond = 20;  // of how clients go, each kind
constexpr std::size_t kMostRefused = 64;         // sessions that wait for their refusal
constexpr std::chrono::milliseconds kAcceptPause{50};  // when descriptors ran out

// For what a worker needs itself, beside what kernels may have.
constexpr std::uint64_t kWorkersOwnBytes = 256 << 20;

// Second to the daemon's own watch, which goes by the clock: whatever a worker does on
// all processors, that one comes first.
exec::WorkerLimits worker_limits(const config::Config& config) {
  exec::WorkerLimits limits;
  if (config.kernels.memory > 0)
    limits.private_bytes = config.kernels.memory + kWorkersOwnBytes;
  const auto stall = std::chrono::ceil<std::chrono::seconds>(
      std::max(config.pool.stall_timeout, config.kernels.stall_timeout));
  const unsigned processors = std::max(std::thread::hardware_concurrency(), 1U);
  limits.cpu_s = static_cast<std::uint32_t>(stall.count() + 1) * processors;
  return limits;
}

bool logs_jobs(const config::LogConfig& log) {
  return log.level <= config::LogLevel::Debug;
}

exec::SandboxUse use_of(config::SandboxUse use) {
  switch (use) {
    case config::SandboxUse::Auto: break;
    case config::SandboxUse::Require: return exec::SandboxUse::Require;
    case config::SandboxUse::Off: return exec::SandboxUse::Off;
  }
  return exec::SandboxUse::Auto;
}

std::uint64_t machine_memory_bytes() {
  return static_cast<std::uint64_t>(::sysconf(_SC_PHYS_PAGES)) *
         static_cast<std::uint64_t>(::sysconf(_SC_PAGESIZE));
}

// A daemon that serves one user: what that user brings or takes is his own risk.
bool serves_one_user(const CoreOptions& options) {
  return options.kind != model::DaemonKind::System &&
         options.config.access.users.empty() && options.config.access.groups.empty();
}

// No user can have all threads wait for their pipes where there are others.
std::uint64_t pipes_per_user(const config::Config& config, bool one_user) {
  const std::uint64_t all = config.limits.descriptors;
  if (one_user) return all;
  return std::min<std::uint64_t>(all, job::user_limit(0, config.threads.max, false));
}

job::Limits limits_of(const config::Config& config, bool one_user) {
  const config::LimitsConfig& limits = config.limits;
  job::Limits made;
  const auto set = [&](std::uint64_t job::Amounts::*amount, std::uint64_t total,
                       std::uint64_t per_user) {
    made.total.*amount = total;
    made.per_user.*amount = job::user_limit(per_user, total, one_user);
  };
  set(&job::Amounts::jobs, limits.jobs, limits.jobs_per_user);
  set(&job::Amounts::chunks, limits.chunks, limits.chunks_per_user);
  set(&job::Amounts::descriptors, limits.descriptors, limits.descriptors_per_user);
  set(&job::Amounts::request_bytes,
      limits.requests != 0 ? limits.requests : job::kNoLimit, limits.requests_per_user);
  set(&job::Amounts::pinned_bytes,
      limits.pinned != 0 ? limits.pinned : machine_memory_bytes(),
      limits.pinned_per_user);
  set(&job::Amounts::pipes, limits.descriptors, pipes_per_user(config, one_user));
  return made;
}

EngineOptions engine_options(const CoreOptions& options,
                             std::function<void()> turn_ended) {
  const config::Config& config = options.config;
  EngineOptions engine;
  engine.cores = usable_cores(config.pool.cores);
  engine.workers = config.pool.workers;
  engine.threads = config.threads.max;
  engine.attempts = config.pool.attempts;
  engine.retries_per_job = config.pool.retries_per_job;
  engine.chunk_timeout = config.pool.chunk_timeout;
  engine.recycle_chunks = config.pool.recycle_chunks;
  engine.recycle_growth_bytes = config.pool.recycle_growth;
  engine.worker_stall = config.pool.stall_timeout;
  engine.kernels.files = config.kernels.files;
  engine.kernels.in_process = config.kernels.in_process;
  const bool one_user = serves_one_user(options);
  engine.kernels.from_clients =
      config.kernels.from_clients == config::FromClients::Yes ||
      (config.kernels.from_clients == config::FromClients::Auto && one_user);
  engine.kernel_memory_bytes = config.kernels.memory;
  engine.kept_array_bytes = machine_memory_bytes() / 4;
  engine.kernel_stall = config.kernels.stall_timeout;
  engine.sandbox = {use_of(config.sandbox.seccomp), use_of(config.sandbox.landlock),
                    worker_limits(config)};
  engine.zygote.program = options.worker_program;
  engine.zygote.environment = options.worker_environment;
  engine.zygote.orphan = options.kind == model::DaemonKind::Embedded;
  engine.limits = limits_of(config, one_user);
  engine.finished_jobs = config.limits.finished_jobs;
  engine.finished_age_ns = static_cast<Nanoseconds>(config.limits.finished_age.count());
  engine.attached_grace_ns =
      static_cast<Nanoseconds>(config.limits.attached_grace.count());
  engine.kind = options.kind;
  engine.log = options.log;
  engine.turn_ended = std::move(turn_ended);
  engine.log_jobs = logs_jobs(config.log);
  return engine;
}

// An embedding program is not to wake up for trials of ours.
std::chrono::nanoseconds canary_interval(const CoreOptions& options) {
  return options.kind == model::DaemonKind::Embedded ? std::chrono::nanoseconds(0)
                                                     : options.config.daemon.canary;
}

Canary::Options canary_options(const CoreOptions& options) {
  return {
      canary_interval(options),
      std::max(options.config.pool.stall_timeout, options.config.kernels.stall_timeout),
      options.watchdog, options.log};
}

}  // namespace

Core::Core(asio::io_context& loop, CoreOptions options)
    : loop_(loop),
      options_(std::move(options)),
      access_(access_of(options_.config.access)),
      turns_(loop),
      engine_(loop, engine_options(options_, [this] { flush_now(); })),
      canary_(loop, engine_, canary_options(options_)),
      lost_jobs_(loop, engine_, options_.config.limits.attached_grace),
      ended_badly_(loop, kMostLinesASecond, options_.log),
      jobs_left_(loop, kMostLinesASecond, options_.log),
      drain_timer_(loop),
      accept_pause_(loop) {}

Core::~Core() = default;

Result<void> Core::start() {
  if (Result<void> started = engine_.start(); !started) return started;
  canary_.start();
  return {};
}

// --- clients ---

Result<void> Core::listen(UniqueFd listening) {
  return guarded("listen", Errc::Io, [&] {
    acceptor_.emplace(loop_);
    acceptor_->assign(asio::local::stream_protocol(), listening.release());
    acceptor_->non_blocking(true);
    ipc::spawn(loop_, accept(*this), [](const Result<void>&) {});
  });
}

asio::awaitable<Result<void>> Core::accept(Core& core) {
  for (;;) {
    asio::error_code error;
    Session::Socket socket(core.loop_);
    co_await core.acceptor_->async_accept(
        socket, asio::redirect_error(asio::use_awaitable, error));
    if (!error && !core.turns_.is_free(monotonic_ns()))
      co_await core.turns_.turn_of(TurnQueue::kNewClients);
    // A client that was taken in the very turn of a drain is told so by its session.
    if (!error) core.adopt(UniqueFd(socket.release()));
    if (core.state_ != State::Serving) co_return Result<void>();
    if (!error) continue;
    // Out of descriptors: clients wait in the backlog until some are free.
    core.options_.log("accept: " + error.message());
    core.accept_pause_.expires_after(kAcceptPause);
    co_await core.accept_pause_.async_wait(
        asio::redirect_error(asio::use_awaitable, error));
  }
}

void Core::adopt_later(UniqueFd connected) {
  asio::post(loop_, [this, fd = std::make_shared<UniqueFd>(std::move(connected))] {
    adopt(std::move(*fd));
  });
}

void Core::adopt(UniqueFd connected) {
  if (state_ == State::Stopping || state_ == State::Stopped) return;
  const Result<ipc::Peer> peer = ipc::peer_of(connected.get());
  if (!peer) return options_.log(peer.error().message());
  Session::Options session;
  Admission admitted = admission(*peer, connected.get());
  session.administrator = admitted.administrator;
  session.grace = options_.config.limits.attached_grace;
  session.refusal = std::move(admitted.refusal);
  // They are told why at their hello, but not in any number.
  if (session.refusal && sessions_.size() - accounts_.total() >= kMostRefused) return;
  Session::Socket socket(loop_);
  asio::error_code error;
  socket.assign(asio::local::stream_protocol(), connected.release(), error);
  if (error) return options_.log("a client's socket: " + error.message());
  auto started =
      std::make_shared<Session>(std::move(socket), *peer, engine_,
                                static_cast<SessionHost&>(*this), std::move(session));
  sessions_.insert(started);
  if (started->admitted()) accounts_.open(peer->uid);
  started->start(loop_);
}

Admission Core::admission(const ipc::Peer& peer, int socket) const {
  // Embedded, the only clients are the host program's own threads.
  if (options_.kind == model::DaemonKind::Embedded) return {true, std::nullopt};
  const Result<std::vector<std::uint32_t>> groups = groups_of_peer(socket);
  if (!groups) options_.log(groups.error().message());
  Admission result =
      decide(peer, groups ? *groups : std::vector<std::uint32_t>(), access_);
  if (result.refusal) return result;
  const config::LimitsConfig& limits = options_.config.limits;
  result.refusal = accounts_.refusal(
      peer.uid, result.administrator,
      {limits.sessions, job::user_limit(limits.sessions_per_user, limits.sessions,
                                        serves_one_user(options_))});
  return result;
}

void Core::flush_later(std::shared_ptr<Session> session) {
  dirty_.push_back(std::move(session));
  if (std::exchange(flush_posted_, true)) return;
  asio::post(loop_, [this] {
    flush_posted_ = false;
    flush_now();
  });
}

void Core::flush_now() {
  const auto sessions = std::exchange(dirty_, {});
  for (const auto& one : sessions) one->flush();
}

void Core::session_ended(const std::shared_ptr<Session>& session,
                         const Result<void>& how) {
  if (!how)
    ended_badly_.log("client (uid " + std::to_string(session->peer().uid) + ", pid " +
                     std::to_string(session->peer().pid) +
                     "): " + how.error().message());
  sessions_.erase(session);
  if (session->admitted()) accounts_.close(session->peer().uid);
  if (state_ == State::Stopped && sessions_.empty()) options_.on_stopped();
}

bool Core::job_left(std::uint64_t job, const ipc::Peer& client) {
  return lost_jobs_.add(job, client);
}

void Core::jobs_go_on(std::size_t jobs, const ipc::Peer& client) {
  jobs_left_.log("client (uid " + std::to_string(client.uid) + ", pid " +
                 std::to_string(client.pid) + ") is gone; " + std::to_string(jobs) +
                 " of its jobs go on for " +
                 config::format_duration(options_.config.limits.attached_grace) +
                 ", should it come back");
}

void Core::complete(model::ServerStatus& status) {
  status.socket = options_.socket;
  status.sessions = accounts_.total();
  status.health = canary_.health();
  InForce in_force;
  in_force.socket = options_.socket;
  in_force.worker_program = options_.worker_program;
  in_force.workers = static_cast<std::uint32_t>(status.workers.size());
  in_force.cores = status.usable_cores;
  status.settings = settings_of(options_.config, in_force, restart_pending_);
}

// --- the life cycle ---

void Core::move_to(State next) {
  static constexpr std::string_view kNames[] = {"serving", "draining", "stopping",
                                                "stopped"};
  options_.log(std::string(kNames[static_cast<int>(state_)]) + " -> " +
               std::string(kNames[static_cast<int>(next)]));
  state_ = next;
}

void Core::drain_requested() {
  asio::post(loop_, [this] { drain(); });
}

void Core::drain() {
  if (state_ != State::Serving) return;
  move_to(State::Draining);
  if (acceptor_) {
    asio::error_code ignored;
    acceptor_->close(ignored);
  }
  lost_jobs_.give_up();
  engine_.drain([this] { stop_engine(); });
  drain_timer_.expires_after(options_.config.daemon.drain_timeout);
  drain_timer_.async_wait([this](asio::error_code error) {
    if (!error) stop_engine();
  });
}

void Core::stop() {
  if (state_ == State::Serving) drain();
  stop_engine();
}

config::Reload Core::reload(const config::Config& loaded) {
  config::Reload outcome = config::reload(options_.config, loaded);
  options_.config = outcome.config;
  access_ = access_of(options_.config.access);
  restart_pending_ = outcome.needs_restart;
  engine_.log_jobs(logs_jobs(options_.config.log));
  if (state_ == State::Serving || state_ == State::Draining)
    canary_.every(canary_interval(options_));
  return outcome;
}

void Core::stop_engine() {
  if (state_ != State::Draining) return;
  move_to(State::Stopping);
  drain_timer_.cancel();
  canary_.stop();
  engine_.stop([this] { stopped(); });
}

void Core::stopped() {
  move_to(State::Stopped);
  accept_pause_.cancel();
  const auto sessions = sessions_;  // stop() may end one at once
  for (const auto& session : sessions) session->stop();
  if (sessions_.empty()) options_.on_stopped();
}

}  // namespace tally::daemon

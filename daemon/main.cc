// tallyd: arguments, configuration, the loop, signals, exit status; nothing else.
#include <signal.h>
#include <sys/resource.h>
#include <unistd.h>

#include <asio/io_context.hpp>
#include <asio/signal_set.hpp>

#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <optional>
#include <span>
#include <string>
#include <utility>

#include "config/load.h"
#include "daemon/core.h"
#include "daemon/listening_socket.h"
#include "daemon/logging.h"
#include "daemon/options.h"
#include "daemon/reload.h"
#include "daemon/run_loop.h"
#include "daemon/service_manager.h"
#include "daemon/socket_activation.h"
#include "daemon/worker_program.h"
#include "ipc/base/printable.h"
#include "ipc/base/standard_descriptors.h"
#include "ipc/endpoint.h"
#include "runtime/reduce/simd_level.h"

namespace tally::daemon {
namespace {

int fail(const Error& error) {
  std::fprintf(stderr, "tallyd: %s\n", printable(error.message()).c_str());
  return exit_code_of(error.errc());
}

// Prints every problem; true if there is none.
bool report_problems(const config::Loaded& loaded) {
  for (const config::Problem& problem : loaded.problems)
    std::fprintf(stderr, "tallyd: %s\n", printable(to_string(problem)).c_str());
  return loaded.problems.empty();
}

// The soft limit is there for programs that use select(); we do not.
void raise_descriptor_limit() {
  rlimit limit{};
  if (::getrlimit(RLIMIT_NOFILE, &limit) != 0) return;
  limit.rlim_cur = limit.rlim_max;
  ::setrlimit(RLIMIT_NOFILE, &limit);
}

// Where clients connect: a socket of our own, or one that systemd passed.
struct Listener {
  std::optional<ListeningSocket> own;
  std::optional<ActivatedSocket> passed;
  UniqueFd take() { return passed ? std::move(passed->fd) : own->take(); }
  const std::string& path() const { return passed ? passed->path : own->path(); }
};

model::DaemonKind kind_of(const Listener& listener) {
  if (listener.passed)  // the manager of a user's services sets the variable
    return std::getenv("XDG_RUNTIME_DIR") != nullptr ? model::DaemonKind::User
                                                     : model::DaemonKind::System;
  if (listener.path() != ipc::default_listen_path()) return model::DaemonKind::Private;
  return ::geteuid() == 0 ? model::DaemonKind::System : model::DaemonKind::User;
}

Result<Listener> open_listener(const DaemonOptions& options,
                               const config::DaemonConfig& config) {
  Result<std::optional<ActivatedSocket>> activated = activated_socket();
  if (!activated) return std::move(activated).error();
  Listener listener;
  listener.passed = *std::move(activated);
  if (listener.passed) {
    if (!options.socket.empty() && options.socket != listener.path())
      return Error(Errc::InvalidArgument, "two_sockets",
                   "systemd passed the socket " + listener.path() +
                       ", and --socket names " + options.socket +
                       ": leave one of the two away");
    return listener;
  }
  std::string path = options.socket;
  if (path.empty()) path = config.socket;
  if (path.empty()) path = ipc::default_listen_path();
  if (path.empty())
    return Error(Errc::InvalidArgument, "no_socket",
                 "nowhere to listen: give --socket PATH, or set $XDG_RUNTIME_DIR");
  Result<ListeningSocket> bound = ListeningSocket::bind(path, config.socket_mode);
  if (!bound) return std::move(bound).error();
  listener.own.emplace(*std::move(bound));
  return listener;
}

// If a thread hangs in a read that never returns, the process must end all the same.
// The core's own drain timeout comes first; this is the last resort.
void arm_last_resort(std::chrono::nanoseconds drain_timeout) {
  constexpr std::chrono::seconds kGrace{5};
  const auto whole = std::chrono::ceil<std::chrono::seconds>(drain_timeout) + kGrace;
  ::signal(SIGALRM, [](int) { ::_exit(1); });
  ::alarm(static_cast<unsigned>(whole.count()));
}

// The first signal drains, the second stops.
void handle_ending(asio::signal_set& signals, Core& core,
                   std::chrono::nanoseconds drain_timeout, bool draining) {
  signals.async_wait(
      [&signals, &core, drain_timeout, draining](asio::error_code error, int number) {
        if (error) return;
        log_info(std::string("signal ") + ::sigabbrev_np(number) +
                 (draining ? ": stopping now" : ": draining"));
        if (draining) {
          arm_last_resort(std::chrono::seconds(0));
          core.stop();
        } else {
          notify_stopping();
          arm_last_resort(drain_timeout);
          core.drain();
        }
        handle_ending(signals, core, drain_timeout, true);
      });
}

void handle_reload(asio::signal_set& signals, Core& core, const std::string& file) {
  signals.async_wait([&signals, &core, &file](asio::error_code error, int) {
    if (error) return;
    reload_configuration(file, core);
    handle_reload(signals, core, file);
  });
}

int serve(const config::Config& config, const DaemonOptions& arguments,
          const std::string& worker_program) {
  Result<Listener> listener = open_listener(arguments, config.daemon);
  if (!listener) return fail(listener.error());
  asio::io_context loop(1);
  asio::signal_set ending(loop, SIGTERM, SIGINT);
  asio::signal_set hangup(loop);
  // Without a file to read again, a closed terminal ends us.
  (arguments.config_file.empty() ? ending : hangup).add(SIGHUP);
  CoreOptions options;
  options.config = config;
  options.kind = kind_of(*listener);
  options.socket = listener->path();
  options.worker_program = worker_program;
  options.log = log_info;
  options.on_stopped = [&loop] { loop.stop(); };
  if (const auto timeout = watchdog_timeout())
    options.watchdog = Watchdog{*timeout / 3, notify_alive};
  Core core(loop, std::move(options));
  if (Result<void> started = core.start(); !started) return fail(started.error());
  if (Result<void> listening = core.listen(listener->take()); !listening)
    return fail(listening.error());
  handle_ending(ending, core, config.daemon.drain_timeout, false);
  handle_reload(hangup, core, arguments.config_file);
  log_info("tallyd " TALLY_VERSION " serves on " + listener->path() +
           (listener->passed ? " (passed by systemd)" : ""));
  notify_ready();
  run_loop(loop, [&core] { core.loop_looks(); });
  arm_last_resort(std::chrono::seconds(0));
  log_info("stopped");
  return 0;
}

int run(std::span<const char* const> arguments) {
  const Result<DaemonOptions> options = parse_options(arguments);
  if (!options) return fail(options.error());
  if (options->action == DaemonOptions::Action::Help) {
    std::fputs(std::string(help_text()).c_str(), stdout);
    return 0;
  }
  if (options->action == DaemonOptions::Action::Version) {
    std::puts("tallyd " TALLY_VERSION);
    return 0;
  }
  config::Loaded loaded;
  if (!options->config_file.empty()) {
    loaded = config::load_file(options->config_file);
    if (!report_problems(loaded)) return 2;
  }
  if (options->action == DaemonOptions::Action::CheckConfig) {
    std::printf("%s: good\n", printable(options->config_file).c_str());
    return 0;
  }
  const config::Config& config = loaded.config;
  const Result<std::string> worker = find_worker_program(config.pool.worker_program);
  if (!worker) return fail(worker.error());
  if (Result<void> limited = reduce::limit_simd_by_environment(); !limited)
    return fail(limited.error());
  ::signal(SIGPIPE, SIG_IGN);
  raise_descriptor_limit();
  start_logging(config.log);
  return serve(config, *options, *worker);
}

}  // namespace
}  // namespace tally::daemon

int main(int argc, char** argv) {
  tally::open_standard_descriptors();
  return tally::daemon::run(
      std::span<const char* const>(argv, static_cast<std::size_t>(argc)).subspan(1));
}

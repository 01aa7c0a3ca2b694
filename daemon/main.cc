// tallyd: arguments, configuration, the loop, signals, exit status; nothing else.
#include <signal.h>
#include <sys/resource.h>
#include <systemd/sd-daemon.h>
#include <unistd.h>

#include <asio/io_context.hpp>
#include <asio/signal_set.hpp>

#include <cstdio>
#include <cstdlib>
#include <span>
#include <string>

#include "config/load.h"
#include "daemon/core.h"
#include "daemon/listening_socket.h"
#include "daemon/logging.h"
#include "daemon/options.h"
#include "daemon/worker_program.h"
#include "ipc/endpoint.h"

namespace tally::daemon {
namespace {

int fail(const Error& error) {
  std::fprintf(stderr, "tallyd: %s\n", error.message().c_str());
  return exit_code_of(error.errc());
}

// Prints every problem; true if there is none.
bool report_problems(const config::Loaded& loaded) {
  for (const config::Problem& problem : loaded.problems)
    std::fprintf(stderr, "tallyd: %s\n", to_string(problem).c_str());
  return loaded.problems.empty();
}

// The soft limit is there for programs that use select(); we do not.
void raise_descriptor_limit() {
  rlimit limit{};
  if (::getrlimit(RLIMIT_NOFILE, &limit) != 0) return;
  limit.rlim_cur = limit.rlim_max;
  ::setrlimit(RLIMIT_NOFILE, &limit);
}

model::DaemonKind kind_of(const std::string& socket) {
  if (socket != ipc::default_listen_path()) return model::DaemonKind::Private;
  return ::geteuid() == 0 ? model::DaemonKind::System : model::DaemonKind::User;
}

// The first signal drains, the second stops.
void handle_signals(asio::signal_set& signals, Core& core, bool draining) {
  signals.async_wait([&signals, &core, draining](asio::error_code error, int number) {
    if (error) return;
    log_info(std::string("signal ") + ::sigabbrev_np(number) +
             (draining ? ": stopping now" : ": draining"));
    if (draining) {
      core.stop();
    } else {
      ::sd_notify(0, "STOPPING=1");
      core.drain();
    }
    handle_signals(signals, core, true);
  });
}

// If a thread hangs in a read that never returns, the process must end all the same.
// The core's own drain timeout comes first; this is the last resort.
void arm_last_resort(std::chrono::nanoseconds drain_timeout) {
  constexpr std::chrono::seconds kGrace{5};
  const auto whole =
      std::chrono::ceil<std::chrono::seconds>(drain_timeout) + kGrace;
  ::signal(SIGALRM, [](int) { ::_exit(1); });
  ::alarm(static_cast<unsigned>(whole.count()));
}

int serve(const config::Config& config, const std::string& socket_path,
          const std::string& worker_program) {
  Result<ListeningSocket> socket =
      ListeningSocket::bind(socket_path, config.daemon.socket_mode);
  if (!socket) return fail(socket.error());
  asio::io_context loop(1);
  CoreOptions options;
  options.config = config;
  options.kind = kind_of(socket_path);
  options.socket = socket_path;
  options.worker_program = worker_program;
  options.log = log_info;
  options.on_stopped = [&loop] { loop.stop(); };
  Core core(loop, std::move(options));
  if (Result<void> started = core.start(); !started) return fail(started.error());
  if (Result<void> listening = core.listen(socket->take()); !listening)
    return fail(listening.error());
  asio::signal_set signals(loop, SIGTERM, SIGINT);
  handle_signals(signals, core, false);
  log_info("tallyd " TALLY_VERSION " serves on " + socket_path);
  ::sd_notify(0, "READY=1");
  loop.run();
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
    std::printf("%s: good\n", options->config_file.c_str());
    return 0;
  }
  const config::Config& config = loaded.config;
  std::string socket = options->socket;
  if (socket.empty()) socket = config.daemon.socket;
  if (socket.empty()) socket = ipc::default_listen_path();
  if (socket.empty())
    return fail(Error(Errc::InvalidArgument, "no_socket",
                      "nowhere to listen: give --socket PATH, or set "
                      "$XDG_RUNTIME_DIR"));
  const Result<std::string> worker = find_worker_program(config.pool.worker_program);
  if (!worker) return fail(worker.error());
  ::signal(SIGPIPE, SIG_IGN);
  raise_descriptor_limit();
  start_logging(config.log);
  return serve(config, socket, *worker);
}

}  // namespace
}  // namespace tally::daemon

int main(int argc, char** argv) {
  return tally::daemon::run(std::span<const char* const>(argv, static_cast<std::size_t>(argc)).subspan(1));
}

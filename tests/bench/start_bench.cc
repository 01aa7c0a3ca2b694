// start_bench TALLYD CONFIG SOCKET: starts the daemon once for each line "start 1" that
// it reads, and answers with three numbers: the nanoseconds from exec until `status`
// shows two idle workers, then the daemon's resident bytes and the largest private
// dirty bytes of a worker, as they are right then. Then it stops the daemon.
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <csignal>
#include <iostream>
#include <memory>
#include <optional>
#include <string>
#include <thread>
#include <variant>

#include "client/client.h"
#include "ipc/model/server_status.h"
#include "tests/bench/pool.h"
#include "tests/bench/steps.h"

namespace tally::bench {
namespace {

using Clock = std::chrono::steady_clock;

// Between two looks: short beside what is measured, long enough to leave the processor
// to the daemon that is starting.
constexpr std::chrono::microseconds kLookEvery(200);
constexpr std::chrono::seconds kPatience(10);
constexpr std::size_t kWorkers = 2;

struct Daemon {
  std::string program;
  std::string config;
  std::string socket;
  pid_t pid = -1;
};

// PDEATHSIG: the daemon drains when this program ends, however it ends.
void start(Daemon& daemon) {
  const char* const arguments[] = {daemon.program.c_str(), "--config",
                                   daemon.config.c_str(),  "--socket",
                                   daemon.socket.c_str(),  nullptr};
  daemon.pid = ::fork();
  if (daemon.pid < 0) die("no fork");
  if (daemon.pid > 0) return;
  (void)::prctl(PR_SET_PDEATHSIG, SIGTERM);
  ::execv(arguments[0], const_cast<char* const*>(arguments));
  ::_exit(127);
}

void stop(const Daemon& daemon) {
  int status = 0;
  (void)::kill(daemon.pid, SIGTERM);
  (void)::waitpid(daemon.pid, &status, 0);
  if (!WIFEXITED(status) || WEXITSTATUS(status) != 0)
    die("tallyd did not end with exit code 0");
}

// Asks until there is an answer: `ask()` gives none (false) or one.
template <typename Ask>
auto eventually(const char* what, Ask&& ask) {
  const auto deadline = Clock::now() + kPatience;
  for (;;) {
    if (auto answer = ask()) return answer;
    if (Clock::now() > deadline) die(std::string("still waiting: ") + what);
    std::this_thread::sleep_for(kLookEvery);
  }
}

std::unique_ptr<client::Client> try_connect(const std::string& socket) {
  auto client = client::Client::connect(socket, {});
  return client ? *std::move(client) : nullptr;
}

// The daemon's status, if it shows the whole pool idle.
std::optional<model::ServerStatus> whole_pool(client::Client& client) {
  auto reply = client.call(model::GetServerStatus{});
  if (!reply) die(reply.error().message());
  auto* status = std::get_if<model::ServerStatus>(&*reply);
  if (status == nullptr) die("the status is something else");
  const auto idle = std::ranges::count_if(
      status->workers, [](const auto& worker) { return worker.state == "idle"; });
  if (static_cast<std::size_t>(idle) != kWorkers) return std::nullopt;
  return std::move(*status);
}

std::string measure(Daemon& daemon) {
  model::ServerStatus status;
  std::unique_ptr<client::Client> client;
  const std::int64_t took = time_of([&] {
    start(daemon);
    client = eventually("a daemon", [&] { return try_connect(daemon.socket); });
    status = *eventually("idle workers", [&] { return whole_pool(*client); });
  });
  std::uint64_t dirty = 0;
  for (const model::WorkerStatus& worker : status.workers)
    dirty = std::max(dirty, bytes_in(worker.pid, "smaps_rollup", "Private_Dirty"));
  const std::uint64_t resident = bytes_in(status.pid, "status", "VmRSS");
  stop(daemon);
  return std::to_string(took) + ' ' + std::to_string(resident) + ' ' +
         std::to_string(dirty);
}

}  // namespace
}  // namespace tally::bench

int main(int argc, char** argv) {
  if (argc != 4) tally::bench::die("usage: start_bench TALLYD CONFIG SOCKET");
  tally::bench::Daemon daemon{argv[1], argv[2], argv[3]};
  for (std::string line; std::getline(std::cin, line);)
    std::cout << tally::bench::measure(daemon) << std::endl;
}

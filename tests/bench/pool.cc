#include "tests/bench/pool.h"

#include <signal.h>

#include <algorithm>
#include <chrono>
#include <fstream>
#include <utility>
#include <variant>

#include "tests/bench/steps.h"

namespace tally::bench {
namespace {

using Clock = std::chrono::steady_clock;

constexpr std::chrono::seconds kPatience(10);

bool all_are(const model::ServerStatus& status, const char* state) {
  return std::ranges::all_of(status.workers, [&](const model::WorkerStatus& worker) {
    return worker.state == state && worker.pid != 0;
  });
}

}  // namespace

model::ServerStatus status_or_die(client::Client& client) {
  auto reply = client.call(model::GetServerStatus{});
  if (!reply) die(reply.error().message());
  auto* status = std::get_if<model::ServerStatus>(&*reply);
  if (status == nullptr) die("the status is something else");
  return std::move(*status);
}

model::ServerStatus await_status(
    client::Client& client, const char* what,
    const std::function<bool(const model::ServerStatus&)>& is_so) {
  const auto deadline = Clock::now() + kPatience;
  for (;;) {
    model::ServerStatus status = status_or_die(client);
    if (is_so(status)) return status;
    if (Clock::now() > deadline) die(std::string("still waiting: ") + what);
  }
}

bool all_idle(const model::ServerStatus& status) {
  return all_are(status, "idle");
}

bool all_busy(const model::ServerStatus& status) {
  return all_are(status, "busy");
}

void kill_or_die(std::uint32_t pid) {
  if (pid == 0 || ::kill(static_cast<pid_t>(pid), SIGKILL) != 0)
    die("cannot kill process " + std::to_string(pid));
}

std::uint64_t bytes_in(std::uint32_t pid, const char* file, const std::string& name) {
  std::ifstream lines("/proc/" + std::to_string(pid) + "/" + file);
  for (std::string line; std::getline(lines, line);)
    if (line.starts_with(name + ":"))
      return std::stoull(line.substr(name.size() + 1)) * 1024;
  die("no " + name + " in /proc/" + std::to_string(pid) + "/" + file);
}

}  // namespace tally::bench

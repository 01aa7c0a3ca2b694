// tally status: the daemon's pool, queue and memory.
#include <array>
#include <cstdio>

#include "client/answer_json.h"
#include "client/cli/command.h"
#include "client/cli/daemon_link.h"
#include "client/cli/output.h"
#include "client/cli/table.h"
#include "client/cli/terminal.h"
#include "client/cli/units.h"

namespace tally::cli {
namespace {

constexpr std::chrono::seconds kPatience{10};

std::string text_of_cores(double cores) {
  std::array<char, 32> text{};
  std::snprintf(text.data(), text.size(), "%g", cores);
  return text.data();
}

std::string text_of_memory(const std::optional<std::uint64_t>& bytes) {
  return bytes ? text_of_bytes(*bytes) : "-";
}

std::string cores_line(const model::ServerStatus& status) {
  std::string text = text_of_count(status.usable_cores) + " usable";
  const char* between = ": ";
  for (const model::CoreBound& bound : status.core_bounds) {
    text += between + printable(bound.source) + " " + text_of_cores(bound.cores);
    between = ", ";
  }
  return text;
}

std::string memory_line(const model::ServerStatus& status) {
  std::string text = "daemon " + text_of_bytes(status.daemon_rss_bytes) + " RSS";
  if (status.workers_pss_bytes)
    text += ", workers " + text_of_bytes(*status.workers_pss_bytes) + " PSS";
  std::array<char, 32> used{};
  std::snprintf(used.data(), used.size(), "%.1f", status.system_used_percent);
  return text + ", system " + used.data() + " % used";
}

std::string queue_line(const model::ServerStatus& status) {
  return text_of_count(status.jobs_running) + " running, " +
         text_of_count(status.jobs_queued) + " queued, " +
         text_of_count(status.jobs_finished) + " finished; " +
         text_of_number(status.chunks_waiting, "chunk") + " waiting; " +
         text_of_number(status.sessions, "session");
}

std::string daemon_text(const model::ServerStatus& status) {
  Table table;
  std::string daemon = "tallyd " + printable(status.version) + ", pid " +
                       std::to_string(status.pid) + ", " +
                       std::string(model::name_of(status.kind)) + ", up " +
                       text_of_time(status.uptime_ns);
  if (status.draining) daemon += ", draining";
  table.add({"daemon", std::move(daemon)});
  if (!status.socket.empty()) table.add({"socket", printable(status.socket)});
  table.add({"cores", cores_line(status)});
  table.add({"memory", memory_line(status)});
  table.add({"threads", text_of_count(status.threads_busy) + " busy, " +
                            text_of_count(status.threads_running) +
                            " running, at most " + text_of_count(status.threads_max)});
  table.add({"queue", queue_line(status)});
  table.add({"zygote", "pid " + std::to_string(status.zygote_pid) + ", " +
                           text_of_number(status.zygote_restarts, "restart")});
  return table.text();
}

std::string pool_text(const model::ServerStatus& status) {
  Table table;
  table.add({"worker", "pid", "state", "job", "chunks", "restarts", "memory"});
  for (const model::WorkerStatus& worker : status.workers)
    table.add({std::to_string(worker.worker),
               worker.pid == 0 ? "-" : std::to_string(worker.pid),
               printable(worker.state),
               worker.job ? model::short_name(*worker.job) : "-",
               text_of_count(worker.chunks_done), text_of_count(worker.restarts),
               text_of_memory(worker.pss_bytes ? worker.pss_bytes : worker.rss_bytes)});
  return table.text();
}

Result<int> run(const Args& args) {
  Result<DaemonLink> link = DaemonLink::open(args, false);
  if (!link) return link.error();
  const Result<model::Reply> reply =
      link->client().call(model::GetServerStatus{}, {}, kPatience);
  if (!reply) return reply.error();
  const auto* const status = std::get_if<model::ServerStatus>(&*reply);
  if (status == nullptr)
    return Error(Errc::ProtocolViolation, "the daemon answered no status");
  if (args.has(Option::Json)) {
    print_line(client::server_status_to_json(*status));
  } else {
    print(daemon_text(*status) + "\n" + pool_text(*status));
  }
  return 0;
}

}  // namespace

const Command kStatusCommand{
    "status",
    "",
    "show a daemon's pool, queue and memory",
    "Shows the daemon's workers, threads, usable cores and who bounds them, queue and\n"
    "memory.\n",
    "  tally status\n"
    "  tally status --json --socket /run/tally/tally.sock\n",
    OptionSet{DaemonLink::kOptions, OptionSet{Option::Json, Option::Help}},
    run};

}  // namespace tally::cli

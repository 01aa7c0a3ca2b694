#include "client/cli/status_text.h"

#include <algorithm>
#include <array>
#include <cstdio>
#include <optional>
#include <string_view>
#include <utility>
#include <vector>

#include "client/cli/health_text.h"
#include "client/cli/table.h"
#include "client/cli/terminal.h"
#include "client/cli/units.h"

namespace tally::cli {
namespace {

std::string text_of_cores(double cores) {
  std::array<char, 32> text{};
  std::snprintf(text.data(), text.size(), "%g", cores);
  return text.data();
}

std::string text_of_memory(const std::optional<std::uint64_t>& bytes) {
  return bytes ? text_of_bytes(*bytes) : "-";
}

std::string cores_line(const model::ServerStatus& status) {
  std::string text = text_of_count(status.usable_cores) + " usable: ";
  for (const model::CoreBound& bound : status.core_bounds)
    text += printable(bound.source) + " " + text_of_cores(bound.cores) + ", ";
  for (const std::string source : {"affinity", "cgroup quota", "configuration"})
    if (std::ranges::find(status.core_bounds, source, &model::CoreBound::source) ==
        status.core_bounds.end())
      text += "no " + source + ", ";
  text.resize(text.size() - 2);
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

struct SettingText {
  std::string operator()(std::int64_t value) const { return std::to_string(value); }
  std::string operator()(const std::string& value) const {
    return '"' + printable(value) + '"';
  }
  std::string operator()(const std::vector<std::uint32_t>& ids) const {
    constexpr std::size_t kShown = 8;
    std::string text = "[";
    for (std::size_t i = 0; i < std::min(ids.size(), kShown); ++i)
      text += (i == 0 ? "" : ", ") + std::to_string(ids[i]);
    if (ids.size() > kShown)
      text += ", and " + text_of_count(ids.size() - kShown) + " more";
    return text + "]";
  }
};

std::string note_of(const model::Setting& setting) {
  std::string note = setting.is_default ? "default" : "set";
  if (setting.restart_pending)
    note += ", the file says something else now: restart to change it";
  return note;
}

// What stands still for a second is worth a word, and so is a process that was stopped.
std::string doing_of(const model::WorkerStatus& worker) {
  constexpr std::uint64_t kWorthTelling = 1'000'000'000;
  std::string text = worker.doing.empty() ? "-" : printable(worker.doing);
  if (!worker.doing.empty() && worker.stalled_ns >= kWorthTelling)
    text += ", for " + text_of_time(worker.stalled_ns);
  if (worker.process_state == 'T' || worker.process_state == 't') text += ", stopped";
  return text;
}

}  // namespace

std::string text_of_daemon(const model::ServerStatus& status) {
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
  if (std::string sick = text_of_sick_paths(status); !sick.empty())
    table.add({"health", std::move(sick)});
  if (!status.degraded.empty()) table.add({"degraded", printable(status.degraded)});
  table.add({"sandbox", printable(status.sandbox)});
  return table.text();
}

std::string text_of_pool(const model::ServerStatus& status) {
  Table table;
  table.add({"worker", "pid", "state", "job", "chunks", "restarts", "memory", "doing"});
  for (const model::WorkerStatus& worker : status.workers)
    table.add({std::to_string(worker.worker),
               worker.pid == 0 ? "-" : std::to_string(worker.pid),
               printable(worker.state),
               worker.job ? model::short_name(*worker.job) : "-",
               text_of_count(worker.chunks_done), text_of_count(worker.restarts),
               text_of_memory(worker.pss_bytes ? worker.pss_bytes : worker.rss_bytes),
               doing_of(worker)});
  return table.text();
}

std::string text_of_limits(const model::ServerStatus& status) {
  if (status.limits.empty()) return "";
  Table table;
  table.add({"held", "by", "now", "at most"});
  for (const model::LimitUse& limit : status.limits)
    table.add({printable(limit.resource),
               limit.uid ? "uid " + std::to_string(*limit.uid) : "all",
               limit.in_use ? text_of_count(*limit.in_use) : "-",
               text_of_count(limit.limit)});
  return table.text() + "\n";
}

std::string text_of_tokens(const model::ServerStatus& status) {
  if (status.tokens.empty()) return "";
  Table table;
  table.add({"limit", "chunks in hand", "jobs waiting"});
  for (const model::TokenStatus& token : status.tokens)
    table.add({printable(token.name), text_of_count(token.in_use),
               text_of_count(token.waiting)});
  return table.text() + "\n";
}

std::string text_of_settings(const model::ServerStatus& status) {
  Table table;
  table.add({"setting", "value", "from", "change by"});
  for (const model::Setting& setting : status.settings)
    table.add({printable(setting.key), std::visit(SettingText(), setting.value),
               note_of(setting), setting.reloadable ? "reload" : "restart"});
  return table.text();
}

std::string text_of_rates(const model::ServerStatus& before,
                          const model::ServerStatus& now) {
  if (before.pid != now.pid || before.uptime_ns >= now.uptime_ns) return "-";
  const std::uint64_t elapsed = now.uptime_ns - before.uptime_ns;
  const double jobs = static_cast<double>(now.jobs_finished - before.jobs_finished) *
                      1e9 / static_cast<double>(elapsed);
  std::array<char, 64> text{};
  std::snprintf(text.data(), text.size(), jobs < 10 ? "%.1f jobs/s, " : "%.0f jobs/s, ",
                jobs);
  return text.data() +
         text_of_rate(now.totals.elements - before.totals.elements, elapsed, false);
}

}  // namespace tally::cli

#include "client/cli/health_text.h"

#include <utility>

#include "client/cli/table.h"
#include "client/cli/terminal.h"
#include "client/cli/units.h"

namespace tally::cli {
namespace {

using model::HealthState;

bool is_good(const model::PathHealth& path) {
  return path.state == HealthState::Ok || path.state == HealthState::Busy;
}

std::string last_answer_of(const model::PathHealth& path) {
  if (!path.last_ok_ns) return "never answered";
  return "answered " + text_of_time(*path.last_ok_ns) + " ago, in " +
         text_of_time(path.latency_ns);
}

}  // namespace

std::string text_of_health(const model::ServerStatus& status) {
  Table table;
  for (const model::PathHealth& path : status.health) {
    std::string told;
    if (path.state != HealthState::Off) told = last_answer_of(path);
    if (!path.message.empty())
      told += (told.empty() ? "" : "; ") + printable(path.message);
    table.add({std::string(name_of(path.path)), std::string(name_of(path.state)),
               std::move(told)});
  }
  if (!status.degraded.empty())
    table.add({"workers", "degraded", printable(status.degraded)});
  return table.text();
}

std::string text_of_sick_paths(const model::ServerStatus& status) {
  std::string text;
  for (const model::PathHealth& path : status.health) {
    if (is_good(path) || path.state == HealthState::Off) continue;
    text += (text.empty() ? "the " : "; the ") + std::string(name_of(path.path)) +
            " path is " + std::string(name_of(path.state)) + ": " +
            printable(path.message);
  }
  return text;
}

}  // namespace tally::cli

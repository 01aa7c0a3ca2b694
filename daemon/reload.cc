#include "daemon/reload.h"

#include <vector>

#include "config/load.h"
#include "daemon/logging.h"
#include "daemon/service_manager.h"

namespace tally::daemon {
namespace {

std::string joined(const std::vector<std::string>& names) {
  std::string list;
  for (const std::string& name : names) list += (list.empty() ? "" : ", ") + name;
  return list;
}

void apply(const config::Config& loaded, Core& core) {
  const config::Reload outcome = core.reload(loaded);
  set_log_level(outcome.config.log.level);
  log_info("configuration reloaded: " +
           (outcome.applied.empty() ? "nothing to change" : joined(outcome.applied)));
  if (!outcome.needs_restart.empty())
    log_warning("changed in the configuration, but in need of a restart: " +
                joined(outcome.needs_restart));
}

}  // namespace

void reload_configuration(const std::string& file, Core& core) {
  notify_reloading();
  const config::Loaded loaded = config::load_file(file);
  for (const config::Problem& problem : loaded.problems) log_error(to_string(problem));
  if (loaded.problems.empty())
    apply(loaded.config, core);
  else
    log_error("configuration not reloaded: nothing has changed");
  notify_ready();
}

}  // namespace tally::daemon

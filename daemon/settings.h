// Settings: the configuration in force, for `tally status`.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "config/config.h"
#include "ipc/model/server_status.h"

namespace tally::daemon {

// What the values that leave the choice to tallyd ("", 0) came to.
struct InForce {
  std::string socket;  // --socket and systemd override the configuration
  std::string worker_program;
  std::uint32_t workers = 0;
  std::uint32_t cores = 0;
};

// Every key, in the order of config.h. `restart_pending` are keys.
std::vector<model::Setting> settings_of(
    const config::Config& config, const InForce& in_force,
    const std::vector<std::string>& restart_pending);

}  // namespace tally::daemon

// tallyd's command line.
#pragma once

#include <span>
#include <string>
#include <string_view>

#include "ipc/base/result.h"

namespace tally::daemon {

struct DaemonOptions {
  enum class Action { Serve, CheckConfig, Help, Version };
  Action action = Action::Serve;
  std::string config_file;  // empty: defaults
  std::string socket;       // empty: the configuration's
};

// `arguments` without the program's name. Errors: InvalidArgument.
Result<DaemonOptions> parse_options(std::span<const char* const> arguments);

std::string_view help_text();

}  // namespace tally::daemon

// Reading the configuration file again, at SIGHUP: whole or not at all.
#pragma once

#include <string>

#include "daemon/core.h"

namespace tally::daemon {

// With anything wrong in `file` every problem is logged and nothing changes. Else the
// core and the log take over what may change, and the rest is named in a line.
// Blocks the loop for as long as the file and the names in it take to look up.
void reload_configuration(const std::string& file, Core& core);

}  // namespace tally::daemon

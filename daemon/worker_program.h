// Where tally-worker is: as configured, else beside this executable, else in the
// libexec directory beside its bin directory.
#pragma once

#include <string>

#include "ipc/base/result.h"

namespace tally::daemon {

// Errors: NotFound "no_worker_program", naming every place that was looked at.
Result<std::string> find_worker_program(const std::string& configured);

}  // namespace tally::daemon

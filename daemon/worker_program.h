// Where tally-worker is: as configured; else beside the shared library that this code
// is in, if it is in one; else beside this executable; else in libexec, for either.
#pragma once

#include <string>

#include "ipc/base/result.h"

namespace tally::daemon {

// An absolute path. Errors: NotFound "no_worker_program", naming every place that was
// looked at.
Result<std::string> find_worker_program(const std::string& configured);

}  // namespace tally::daemon

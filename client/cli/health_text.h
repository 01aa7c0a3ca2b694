// `tally status --health`: whether a daemon's paths work, for people and for checks.
#pragma once

#include <string>

#include "ipc/model/server_status.h"

namespace tally::cli {

// A line a path, and one for a pool that is degraded.
std::string text_of_health(const model::ServerStatus& status);

// "the process path is wedged: …"; empty: all are ok or busy, or not known.
std::string text_of_sick_paths(const model::ServerStatus& status);

}  // namespace tally::cli

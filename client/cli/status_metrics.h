// A daemon's status as Prometheus metrics, in the text exposition format 0.0.4.
#pragma once

#include <string>

#include "ipc/model/server_status.h"

namespace tally::cli {

// Names start with tally_, units are seconds, bytes and ratios, counters end in _total.
std::string metrics_of_status(const model::ServerStatus& status);

}  // namespace tally::cli

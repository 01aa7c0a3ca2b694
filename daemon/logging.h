// Logging: tallyd's lines, through spdlog.
//
// On a terminal or into a file: "2026-01-31 12:00:00.000 info  text". Into the journal:
// "<6>text", as journald keeps the time itself and reads the priority.
//
// The only header of ours that knows of spdlog is logging.cc: it is slow to compile.
#pragma once

#include <string>

#include "config/config.h"

namespace tally::daemon {

// Once, before the first line.
void start_logging(const config::LogConfig& config);

// From now on. Any time after start_logging.
void set_log_level(config::LogLevel level);

void log_info(const std::string& line);
void log_warning(const std::string& line);
void log_error(const std::string& line);

}  // namespace tally::daemon

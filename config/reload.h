// Reload: what a configuration that was read again changes in one that is in use.
//
// Pure. Whole or not at all: the caller reloads only a file without problems.
#pragma once

#include <string>
#include <vector>

#include "config/config.h"

namespace tally::config {

struct Reload {
  Config config;                     // what is in use from now on
  std::vector<std::string> applied;  // "table.key" of what changed
  // What differs and keeps its old value until the next start.
  std::vector<std::string> needs_restart;
};

Reload reload(const Config& running, const Config& loaded);

}  // namespace tally::config

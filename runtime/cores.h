// Usable cores: how many this process may really use, and what says so.
//
// min(affinity, cgroup CPU quota rounded up, configured), each bound kept with its
// source so that status can show it.
#pragma once

#include <cstdint>
#include <vector>

#include "ipc/model/server_status.h"

namespace tally {

struct UsableCores {
  std::uint32_t count = 1;  // at least 1
  std::vector<model::CoreBound> bounds;
};

// `configured` 0: not set. Reads sched_getaffinity and the cgroup files of this process
// (v2 cpu.max and v1 cpu.cfs_quota_us, own group and ancestors).
UsableCores usable_cores(std::uint32_t configured);

}  // namespace tally

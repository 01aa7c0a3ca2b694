// What a worker cannot have more of, whatever runs in it: descriptors of others, dumps,
// privileges.
//
// RLIMIT_DATA, the bound on private memory, is set for the time of a chunk with kernels
// (kernels::MemoryLimit, [kernels] memory); RLIMIT_AS would count mapped input. A
// worker stays dumpable as far as prctl goes: its daemon reads its memory's size in
// /proc, and other workers are stopped by their filters.
#pragma once

#include <span>

#include "ipc/base/result.h"

namespace tally::exec {

// Closes all descriptors but stdin to stderr and these; negative: none.
Result<void> close_all_but(std::span<const int> kept);

// No new privileges, no core dumps, a bounded number of descriptors. For good.
Result<void> limit_this_process();

}  // namespace tally::exec

// What a worker cannot have more of, whatever runs in it: descriptors of others, dumps,
// privileges, private memory.
//
// Private memory is bounded by RLIMIT_DATA (RLIMIT_AS would count mapped input), lower
// for the time of a chunk with kernels (kernels::MemoryLimit, [kernels] memory). A
// worker stays dumpable as far as prctl goes: its daemon reads its memory's size in
// /proc, and other workers are stopped by their filters.
#pragma once

#include <cstdint>
#include <span>

#include "ipc/base/result.h"

namespace tally::exec {

// Closes all descriptors but stdin to stderr and these; negative: none.
Result<void> close_all_but(std::span<const int> kept);

// No new privileges, no core dumps, a bounded number of descriptors, so many bytes of
// private memory (0: any). For good.
Result<void> limit_this_process(std::uint64_t private_bytes);

}  // namespace tally::exec

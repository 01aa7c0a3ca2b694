// ChunkPage: the few words that an executor (worker process or thread) and the loop
// share while chunks run. Atomics only, so a reader never sees half a value and a
// dying writer leaves nothing locked.
//
// A worker maps it from a memfd sealed against resizing; a thread has it in memory.
#pragma once

#include <atomic>
#include <cstdint>

namespace tally::exec {

struct ChunkPage {
  // How many chunks the executor has begun since it started; the one it works on is
  // the last of them. Written by the executor.
  std::atomic<std::uint64_t> begun{0};
  // Elements (bytes for csv) finished in the chunk at hand. Written by the executor.
  std::atomic<std::uint64_t> advanced{0};
  // The job to abandon: compared with the chunk's own job at every block. Job numbers
  // are never used twice, so an old value harms nobody. Written by the loop.
  std::atomic<std::uint64_t> cancelled_job{0};
};

static_assert(std::atomic<std::uint64_t>::is_always_lock_free);

}  // namespace tally::exec

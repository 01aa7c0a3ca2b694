// ChunkPage: the few words that an executor (worker process or thread) and the loop
// share while chunks run. Atomics only, so a reader never sees half a value and a
// dying writer leaves nothing locked.
//
// A worker maps it from a memfd sealed against resizing; a thread has it in memory.
#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>

namespace tally::exec {

enum class KernelCall : std::uint32_t {
  None = 0,
  Load = 1,  // dlopen and tally_kernels()
  Init = 2,
  Update = 3,
  Merge = 4,
  Finish = 5,
  Serialize = 6,
  Deserialize = 7,
  Destroy = 8,
};

// What the executor is at in the chunk it has begun.
enum class ChunkStage : std::uint32_t {
  None = 0,  // it has ended
  Opening = 1,
  Reading = 2,
  Reducing = 3,  // or merging, or in a kernel: `call` tells
};

struct ChunkPage {
  // How many chunks the executor has begun since it started; the one it works on is
  // the last of them. Written by the executor.
  std::atomic<std::uint64_t> begun{0};
  // Elements (bytes for csv) finished in the chunk at hand. Written by the executor.
  std::atomic<std::uint64_t> advanced{0};
  // Chunks of the batch in hand that are called off: bit_of(n) for the n-th, from 0,
  // that the executor begins in its life. Looked at with every block. Written by the
  // loop.
  std::atomic<std::uint64_t> called_off{0};

  // Which function of which kernel the executor is in, and with what: what a death, a
  // stall or an endless loop is told with. Written by the executor before each call.
  std::atomic<KernelCall> call{KernelCall::None};
  std::atomic<std::uint32_t> kernel{0};  // index among the task's kernels or images
  std::atomic<std::uint32_t> file{0};    // of update: the job's file
  std::atomic<std::uint64_t> first_row{0};
  std::atomic<std::uint64_t> rows{0};

  // For people and the stall watch. Written by the executor with each block.
  std::atomic<ChunkStage> stage{ChunkStage::None};
  std::atomic<std::uint32_t> source_file{0};  // the job's file of the last block

  // The system call that ended the worker: its number plus one; 0: none. And the ABI it
  // is a number of (AUDIT_ARCH_*). Written by the worker's trap (sandbox_trap.h).
  std::atomic<std::uint32_t> denied_call{0};
  std::atomic<std::uint32_t> denied_arch{0};

  static constexpr std::size_t kMostInBatch = 64;
  static constexpr std::uint64_t bit_of(std::uint64_t n) {
    return std::uint64_t{1} << (n % kMostInBatch);
  }
  // Of the chunk that was begun last; only the executor may ask.
  std::uint64_t bit_at_hand() const {
    return bit_of(begun.load(std::memory_order_relaxed) - 1);
  }
  bool is_called_off() const {
    return (called_off.load(std::memory_order_relaxed) & bit_at_hand()) != 0;
  }
};

static_assert(std::atomic<std::uint64_t>::is_always_lock_free);

}  // namespace tally::exec

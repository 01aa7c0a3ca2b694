// Activity: whether what a path has in hand gets on. For whoever waits behind it.
#pragma once

#include <cstdint>
#include <vector>

#include "runtime/exec/chunk_page.h"

namespace tally::exec {

// How far a slot is, as its page tells.
struct SlotProgress {
  std::uint64_t begun = 0;
  std::uint64_t advanced = 0;
  ChunkStage stage = ChunkStage::None;
  std::uint32_t source_file = 0;
  KernelCall call = KernelCall::None;
  std::uint64_t first_row = 0;

  static SlotProgress of(const ChunkPage& page) {
    const auto get = [](const auto& word) {
      return word.load(std::memory_order_relaxed);
    };
    return {get(page.begun),       get(page.advanced), get(page.stage),
            get(page.source_file), get(page.call),     get(page.first_row)};
  }

  // Whether the executor did anything. As the loop gives a slot work it sets `advanced`
  // to 0: that is no move.
  bool moved_since(const SlotProgress& before) const {
    return begun != before.begun || advanced > before.advanced ||
           stage != before.stage || source_file != before.source_file ||
           call != before.call || first_row != before.first_row;
  }
};

struct Activity {
  std::vector<SlotProgress> slots;
  std::uint32_t busy = 0;  // of them have something in hand
  // One of them is in a call of a kernel, and not stopped: that may take as long as
  // [kernels] stall_timeout says.
  bool in_kernel = false;
  // All that have anything in hand wait for the bytes of a pipe, whose writer is silent
  // for as long as it likes.
  bool waits_for_pipes = false;
};

}  // namespace tally::exec

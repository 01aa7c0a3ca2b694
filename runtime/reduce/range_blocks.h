// A range job for families without a loop of their own for it: elements are made a
// block at a time, and reduced as any others.
#pragma once

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>

#include "runtime/reduce/state.h"

namespace tally::reduce {

// Gives how many elements the state's own loop visited. Precondition: its element type
// is I64.
inline std::uint64_t update_in_blocks(State& state, const RangeBlock& block) {
  std::array<std::int64_t, 1024> elements;
  auto element = static_cast<std::uint64_t>(block.first);
  std::uint64_t visited = 0;
  while (visited < block.count) {
    const auto count = static_cast<std::size_t>(
        std::min<std::uint64_t>(elements.size(), block.count - visited));
    for (std::size_t i = 0; i < count; ++i) {
      elements[i] = static_cast<std::int64_t>(element);
      element += static_cast<std::uint64_t>(block.step);
    }
    const std::size_t saw =
        state.update({elements.data(), count, 0, block.first_index + visited, nullptr});
    visited += saw;
    if (saw != count) break;  // the caller sees that they are too few
  }
  return visited;
}

}  // namespace tally::reduce

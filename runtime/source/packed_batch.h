// A batch of packed elements: one column, nothing missing, the extent in elements; and
// room to read them into.
#pragma once

#include <cstddef>
#include <memory>

#include "runtime/source/block_reader.h"

namespace tally::source {

// `bytes` bytes of the scratch, aligned for any vector.
inline std::byte* aligned_room(Scratch& scratch, std::size_t bytes) {
  constexpr std::size_t kAlignment = 64;
  if (scratch.buffer.size() < bytes + kAlignment)
    scratch.buffer.resize(bytes + kAlignment);
  void* start = scratch.buffer.data();
  std::size_t space = scratch.buffer.size();
  return static_cast<std::byte*>(std::align(kAlignment, bytes, start, space));
}

inline void fill_batch(Batch& batch, const reduce::Block& block, bool read_only) {
  batch.rows = block.count;
  batch.extent = block.count;
  batch.columns.assign(1, block);
  batch.missing.assign(1, 0);
  batch.first_row = block.first_index;
  batch.read_only = read_only;
}

inline void empty_batch(Batch& batch) {
  batch.rows = 0;
  batch.extent = 0;
  batch.columns.clear();
  batch.missing.clear();
}

}  // namespace tally::source

// A batch of packed elements: one column, nothing missing, the extent in elements.
#pragma once

#include "runtime/source/block_reader.h"

namespace tally::source {

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

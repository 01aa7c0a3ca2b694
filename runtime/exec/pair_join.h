// PairJoin: two columns of a batch as one whose elements are pairs.
//
// A row is kept if both columns have a value in it; under NanPolicy::Skip a NaN is none
// (but is counted apart). Where nothing is left out nothing is copied.
//
// Threads: one. What join() gives is valid until its next call, and as long as the
// batch. Keeps its room between batches.
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

#include "ipc/model/chunk_task.h"
#include "runtime/source/block_reader.h"

namespace tally::exec {

struct JoinedPairs {
  reduce::Block block;        // of the pairs that are kept
  std::uint64_t missing = 0;  // rows without either value
  std::uint64_t filtered = 0;
};

class PairJoin {
 public:
  // Precondition: the batch has both columns, of elements of that type.
  JoinedPairs join(const source::Batch& batch, const model::ColumnPair& pair,
                   model::ElementType type, bool skip_nan);

 private:
  template <typename T>
  JoinedPairs join_as(const source::Batch& batch, const reduce::Block& left,
                      const reduce::Block& right, bool gaps, bool skip_nan);

  std::vector<std::byte> left_;
  std::vector<std::byte> right_;
};

}  // namespace tally::exec

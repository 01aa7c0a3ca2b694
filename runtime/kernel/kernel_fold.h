// KernelFold: one kernel over the rows of one chunk: a state a leaf, updated in blocks
// of a fixed grid, merged along the tree.
//
// Threads: one. Lifetime: what make() is given must outlive it.
#pragma once

#include <optional>

#include "runtime/kernel/block_builder.h"
#include "runtime/kernel/kernel.h"
#include "runtime/kernel/state_tree.h"

namespace tally::kernels {

// Rows of a batch, or of a range, that lie in one cell of the grid.
struct RowRun {
  std::uint64_t begin = 0;
  std::uint64_t end = 0;
  bool whole = false;  // the cell has no other rows
  bool last = false;   // the cell ends here
};

class KernelFold {
 public:
  static Result<KernelFold> make(const model::ChunkTask& task, Kernel& kernel,
                                 BlockRoom& room);

  void begin_file(std::uint32_t file, const char* name) {
    rows_.begin_file(file, name);
  }
  Result<void> begin_batch(const source::Batch& batch) {
    return rows_.begin_batch(batch);
  }
  Result<void> update(const source::Batch& batch, const RowRun& run);
  Result<void> update_range(std::int64_t first, std::int64_t step, const RowRun& run);
  // A leaf without rows has a state as well: an empty one.
  Result<void> end_leaf();
  // What all leaves together gave.
  Result<KernelState> take() { return tree_.take(); }

  Kernel& kernel() const { return kernel_; }
  const model::ElementCounts& counts() const { return rows_.counts(); }

 private:
  KernelFold(Kernel& kernel, BlockBuilder rows)
      : kernel_(kernel), rows_(std::move(rows)), tree_(kernel) {}

  Result<void> open_leaf();
  Result<void> give(const tally_kernel_block& block);
  Result<void> flush();

  Kernel& kernel_;
  BlockBuilder rows_;
  std::optional<KernelState> leaf_;
  StateTree tree_;
};

}  // namespace tally::kernels

#include "runtime/kernel/kernel_fold.h"

namespace tally::kernels {

Result<KernelFold> KernelFold::make(const model::ChunkTask& task, Kernel& kernel,
                                    BlockRoom& room) {
  Result<BlockBuilder> rows = BlockBuilder::make(task, kernel, room);
  if (!rows) return std::move(rows).error();
  return KernelFold(kernel, *std::move(rows));
}

Result<void> KernelFold::open_leaf() {
  if (leaf_) return {};
  Result<KernelState> state = kernel_.make_state();
  if (!state) return std::move(state).error();
  leaf_.emplace(*std::move(state));
  return {};
}

Result<void> KernelFold::give(const tally_kernel_block& block) {
  if (Result<void> open = open_leaf(); !open) return open;
  return kernel_.update(*leaf_, block);
}

Result<void> KernelFold::flush() {
  if (rows_.empty()) return {};
  return give(rows_.take());
}

Result<void> KernelFold::update(const source::Batch& batch, const RowRun& run) {
  if (run.whole && rows_.empty())
    if (const auto block = rows_.as_is(batch, run.begin, run.end)) return give(*block);
  if (Result<void> added = rows_.add(batch, run.begin, run.end); !added) return added;
  return run.last ? flush() : Result<void>();
}

Result<void> KernelFold::update_range(std::int64_t first, std::int64_t step,
                                      const RowRun& run) {
  if (Result<void> added = rows_.add_range(first, step, run.begin, run.end); !added)
    return added;
  return run.last ? flush() : Result<void>();
}

Result<void> KernelFold::end_leaf() {
  if (Result<void> flushed = flush(); !flushed) return flushed;
  if (Result<void> open = open_leaf(); !open) return open;
  Result<void> pushed = tree_.push(*std::move(leaf_));
  leaf_.reset();
  return pushed;
}

}  // namespace tally::kernels

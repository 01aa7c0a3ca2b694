// ChunkRunner: reduces one chunk, the same way in a worker, a thread or the loop.
//
// Reads the task's piece block by block, applies the NaN policy, updates the states,
// counts what the states' own loops saw, and gives the partial with its coverage. The
// cancel flag is polled at every block. The task's kernels get the same rows in the
// same pass; two pieces are about kernels alone: what there is in the task's images,
// and the merge of what the chunks of a job gave.
//
// Threads: one. Keeps its buffers between chunks, so steady work allocates little.
// Lifetime: `page` must outlive the runner.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <span>
#include <vector>

#include "ipc/model/chunk_task.h"
#include "runtime/exec/chunk_page.h"
#include "runtime/exec/pair_join.h"
#include "runtime/kernel/kernel_pass.h"
#include "runtime/kernel/services.h"
#include "runtime/reduce/state.h"
#include "runtime/source/block_reader.h"

namespace tally::exec {

// How a chunk's reader is opened; the default is source::open_reader. Tests put in
// sources that drop, add or repeat elements.
using OpenReader = std::function<Result<std::unique_ptr<source::BlockReader>>(
    const model::ChunkTask&, std::span<const int>, source::Scratch&)>;

class ChunkRunner {
 public:
  // `services` is for tasks with kernels; without images they are refused.
  explicit ChunkRunner(ChunkPage& page, OpenReader open = source::open_reader,
                       kernels::Services services = {});

  // `descriptors` are the task's own; not closed here. Never fails otherwise than in
  // the outcome: Cancelled, InvalidData, Io, Internal ("coverage_mismatch"); and what
  // kernels do wrong (runtime/kernel/kernel.h, kernel_library.h).
  // The usage part of the partial is left to the caller (account/chunk_meter.h).
  model::ChunkOutcome run(const model::ChunkTask& task,
                          std::span<const int> descriptors);

 private:
  struct Column {
    std::vector<std::unique_ptr<reduce::State>> states;
    model::ElementCounts counts;
  };

  Result<model::Partial> reduce(const model::ChunkTask& task,
                                std::span<const int> descriptors);
  Result<model::Partial> run_kernels(const model::ChunkTask& task,
                                     std::span<const int> descriptors);
  void prepare(const model::ChunkTask& task);
  void enter(ChunkStage stage);
  Result<void> run_range(const model::ChunkTask& task, const model::RangePiece& piece,
                         std::vector<model::Span>& spans);
  Result<void> run_blocks(const model::ChunkTask& task,
                          std::span<const int> descriptors,
                          std::vector<model::Span>& spans);
  Result<void> consume(const model::ChunkTask& task, const source::Batch& batch);
  Result<void> consume_pairs(const model::ChunkTask& task, const source::Batch& batch);
  Result<void> update(Column& column, const reduce::Block& block);
  Result<void> update_part(Column& column, const reduce::Block& block);
  Result<reduce::Block> without_nan(const model::ChunkTask& task,
                                    const reduce::Block& block, Column& column);
  model::Partial partial(const model::ChunkTask& task, std::vector<model::Span> spans);

  ChunkPage& page_;
  const OpenReader open_;
  source::Scratch scratch_;
  source::Batch batch_;
  std::vector<Column> columns_;
  std::size_t inputs_ = 0;  // of them, those that batches have; then come pairs
  PairJoin pairs_;
  const kernels::Services services_;
  kernels::BlockRooms rooms_;
  std::unique_ptr<kernels::KernelPass> pass_;  // of the task in hand, if it has kernels
  std::uint64_t rows_ = 0;                     // of the chunk, as its source tells
  std::vector<std::byte> kept_values_;         // without_nan's output
  std::vector<std::uint64_t> kept_indices_;
  model::ElementType type_ = model::ElementType::F64;
  std::vector<model::ColumnTask> made_for_;  // what the states of columns_ are of
};

}  // namespace tally::exec

// KernelPass: all kernels of a task over its chunk, in the one pass the reducers make.
//
// Keeps account of leaves: of packed elements and ranges a row's index says its leaf,
// of csv and text the reader does. Blocks are cut every kBlockRows rows of a leaf, by
// row index, before anything is left out: borders depend on the job alone.
//
// Threads: one. Lifetime: what open() is given must outlive it.
#pragma once

#include <cstdint>
#include <deque>
#include <memory>
#include <span>
#include <vector>

#include "ipc/model/chunk_task.h"
#include "runtime/kernel/kernel_fold.h"
#include "runtime/kernel/services.h"
#include "runtime/source/block_reader.h"

namespace tally::kernels {

// What a runner keeps between chunks: one a kernel.
using BlockRooms = std::deque<BlockRoom>;

class KernelPass {
 public:
  // Errors: those of open_kernels() and BlockBuilder::make().
  static Result<std::unique_ptr<KernelPass>> open(const model::ChunkTask& task,
                                                  std::span<const int> descriptors,
                                                  const Services& services,
                                                  exec::ChunkPage& page,
                                                  BlockRooms& rooms);

  // The next batch of the chunk. Errors: the kernels' (kernel.h); "not_exact"; Internal
  // "coverage_mismatch" if rows come out of order.
  Result<void> consume(const source::Batch& batch);
  // Elements first, first + step, … of a range: rows [begin, end).
  Result<void> consume_range(std::int64_t first, std::int64_t step, std::uint64_t begin,
                             std::uint64_t end);

  // After the last: `spans` is what was read. Adds the kernels' parts to `partial`, and
  // their outputs where the task is the whole job.
  Result<void> finish(const std::vector<model::Span>& spans, model::Partial& partial);

 private:
  // Leaves [first, end) of one piece.
  struct Piece {
    std::uint32_t file = 0;
    const char* name = "";
    std::uint64_t leaf = 0;
    std::uint64_t end_leaf = 0;
    std::uint64_t end_row = 0;  // of packed elements; else 0
    bool stream = false;        // end_leaf is not known
  };

  explicit KernelPass(const model::ChunkTask& task) : task_(task) {}
  void list_pieces();
  Result<void> go_to(std::uint32_t file, std::uint64_t leaf, std::uint64_t first_row);
  Result<void> end_leaf();
  void skip_done_pieces();
  template <typename F>
  Result<void> for_each_run(std::uint64_t begin, std::uint64_t end, bool packed, F&& f);

  const model::ChunkTask& task_;
  std::vector<std::unique_ptr<Kernel>> kernels_;
  std::vector<KernelFold> folds_;
  bool in_bytes_ = false;  // leaves are of bytes
  std::vector<Piece> pieces_;
  std::size_t piece_ = 0;  // in hand; its `leaf` too
  bool begun_ = false;     // the leaf has had rows
  std::uint64_t leaf_first_row_ = 0;
};

}  // namespace tally::kernels

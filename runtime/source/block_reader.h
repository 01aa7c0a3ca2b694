// BlockReader: yields a chunk's elements block by block.
//
// One reader serves one attempt at one chunk. Column blocks stay valid until the next
// call of next(). Buffers come from a BufferPool-free Scratch that the executing thread
// or worker keeps between chunks, so that steady work allocates nothing.
//
// Errors of the input (a cell that is no number, a file that ends early) are typed:
// class InvalidData or Io, with file, line, column, text as fields where they apply.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "ipc/base/result.h"
#include "ipc/model/chunk_task.h"
#include "runtime/reduce/state.h"
#include "runtime/source/aliased_memory.h"
#include "runtime/source/cancellation.h"

namespace tally::source {

// Memory that outlives one chunk: grown on demand, kept. Belongs to one thread.
struct Scratch {
  std::vector<std::byte> buffer;  // bytes as read
  std::vector<std::byte> cells;   // elements parsed from them
  AliasedMemory shown;            // packed elements that kernels are given
};

// The place of a column that needs no field of a csv record: only rows are counted.
// Such a column has no families, and its blocks have a count and no data.
inline constexpr std::uint32_t kNoColumn = 0xFFFFFFFF;

// An element of a column of text: a csv cell as it was meant, or a line without its
// end. Valid as long as the batch.
struct TextCell {
  const char* data = nullptr;
  std::size_t size = 0;
};

// What one call of next() brings: `rows` rows, and each column's kept elements; of a
// column of text the elements are TextCells.
struct Batch {
  std::uint64_t rows = 0;              // input rows read: kept + missing, per column
  std::uint64_t extent = 0;            // input passed over: elements, or bytes of csv
                                       // and text
  std::vector<reduce::Block> columns;  // one a column of the task
  std::vector<std::uint64_t> missing;  // per column: rows without a value
  std::uint64_t first_row = 0;         // of `rows`: its index within the file
  // Of a task with kernels. csv and text: all rows belong to this leaf of the file.
  std::optional<std::uint64_t> leaf;
  // The elements lie where nobody can write to them, and in whole blocks.
  bool read_only = false;
};

class BlockReader {
 public:
  virtual ~BlockReader() = default;

  // Fills `batch` with the next rows; false when the chunk is exhausted (batch is
  // then empty). `batch` is the caller's and is reused, so that nothing allocates.
  virtual Result<bool> next(Batch& batch) = 0;

  // Readers that wait for input look at it while they do. Before the first next().
  virtual void heed(const Cancellation&) {}

  // The spans of input read so far, merged where they touch: what the partial owns.
  // An empty file has none.
  virtual void spans(std::vector<model::Span>& into) const = 0;
};

// A reader over the task's piece (not for RangePiece: those have no blocks).
//   task         must outlive the reader
//   descriptors  the task's; not owned, must outlive the reader
//   scratch      must outlive the reader; one reader at a time
// Threads: the reader belongs to the calling thread; of regular files' descriptors it
// moves nothing, streams it uses up.
Result<std::unique_ptr<BlockReader>> open_reader(const model::ChunkTask& task,
                                                 std::span<const int> descriptors,
                                                 Scratch& scratch);

}  // namespace tally::source

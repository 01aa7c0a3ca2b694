// BlockBuilder: gathers rows of batches into a block for one kernel.
//
// A row is kept if each of the kernel's columns has a value in it; under
// NanPolicy::Skip a NaN is no value. Elements of a type that the kernel does not take
// become f64. What is gathered lies in memory that the kernel can only read.
//
// Threads: one. Lifetime: `room`, `task` and `kernel` must outlive it.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string_view>
#include <vector>

#include "ipc/base/result.h"
#include "ipc/model/chunk_task.h"
#include "runtime/kernel/kernel.h"
#include "runtime/kernel/kernel_table.h"
#include "runtime/source/aliased_memory.h"
#include "runtime/source/block_reader.h"

namespace tally::kernels {

inline constexpr std::uint64_t kBlockRows = 8192;

// Memory that outlives one chunk.
struct BlockRoom {
  source::AliasedMemory elements;
  source::AliasedMemory text;  // what the elements of a column of text point to
};

class BlockBuilder {
 public:
  // Errors: InvalidArgument "kernel_type" if the kernel takes no elements of the
  // task's.
  static Result<BlockBuilder> make(const model::ChunkTask& task, const Kernel& kernel,
                                   BlockRoom& room);

  // Before the rows of a file, or of a batch.
  void begin_file(std::uint32_t file, const char* name);
  Result<void> begin_batch(const source::Batch& batch);

  // Rows [begin, end) of the batch, which follow those before. Precondition: with them
  // there are at most kBlockRows. Errors: InvalidData "not_exact"; Io "io".
  Result<void> add(const source::Batch& batch, std::uint64_t begin, std::uint64_t end);
  // Elements first, first + step, …: rows [begin, end). Precondition: the same.
  Result<void> add_range(std::int64_t first, std::int64_t step, std::uint64_t begin,
                         std::uint64_t end);

  // The batch's own memory as the block of rows [begin, end), if it will do. Counts
  // them. Precondition: empty().
  std::optional<tally_kernel_block> as_is(const source::Batch& batch,
                                          std::uint64_t begin, std::uint64_t end);

  bool empty() const { return count_ == 0; }
  // What was gathered, until more is; the builder is empty then.
  tally_kernel_block take();

  const model::ElementCounts& counts() const { return counts_; }

 private:
  BlockBuilder(const model::ChunkTask& task, const Kernel& kernel, BlockRoom& room);

  Result<void> reserve();
  std::byte* cells(std::size_t column) const;
  void note_rows(std::uint64_t begin, std::uint64_t end);
  void note_kept_rows();
  void choose_rows(const source::Batch& batch, std::uint64_t begin, std::uint64_t end);
  template <typename T>
  bool is_nan(const reduce::Block& block, std::size_t at) const;
  template <typename T>
  bool has_nan(const reduce::Block& block, std::size_t begin, std::size_t end) const;
  bool plain(const source::Batch& batch, std::uint64_t begin, std::uint64_t end) const;
  template <typename T>
  Result<void> copy_run(std::size_t column, const T* from, std::uint64_t begin,
                        std::size_t count);
  template <typename T>
  Result<void> copy_chosen(std::size_t column, const T* from);
  Result<void> copy_text(std::size_t column, const source::TextCell* from,
                         const std::uint32_t* positions, std::size_t count);
  Error not_exact(std::uint64_t row, const std::string& element) const;

  const model::ChunkTask& task_;
  const Kernel& kernel_;
  BlockRoom& room_;
  const std::vector<std::uint32_t>& columns_;  // of the task
  const bool text_;
  const bool widened_;  // to f64
  const bool skip_nan_;
  const std::size_t element_bytes_;  // as the kernel gets them
  const std::int32_t type_;          // TALLY_KERNEL_TYPE_*

  std::uint32_t file_ = 0;
  const char* file_name_ = "";
  std::vector<std::size_t> cursors_;  // of the batch, where a column has gaps

  // The block in the making.
  std::size_t count_ = 0;
  std::uint64_t first_row_ = 0;
  bool gaps_ = false;  // the rows are written down
  std::size_t text_bytes_ = 0;
  std::array<const void*, kMaxColumns> values_{};

  // Rows chosen from a batch with gaps or NaNs, and where they are in each column.
  std::vector<std::uint64_t> chosen_;
  std::vector<std::vector<std::uint32_t>> positions_;

  model::ElementCounts counts_;
};

}  // namespace tally::kernels

// RowSet: rows that a kernel is tried with: generated ones, or the user's own.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

#include "client/include/tally/tally_kernel.h"
#include "ipc/model/kernel.h"

namespace tally::check {

struct RowSet {
  std::string title;      // "f64, of both signs"
  std::int32_t type = 0;  // TALLY_KERNEL_TYPE_*
  std::size_t rows = 0;
  std::size_t element_bytes = 0;
  std::vector<std::vector<std::byte>> columns;  // packed; of numbers
  std::vector<std::vector<std::string>> texts;  // of text: one a column
  std::string file_name;
};

// For each element type that the kernel takes, sets of `rows` rows: what is usual
// first; kernels may refuse it ("negative value"), then the next will do. The same
// for every call.
std::vector<std::vector<RowSet>> generate(const model::KernelInfo& kernel,
                                          std::size_t rows);

// Rows [begin, end) as a block: copies that the kernel may scribble on, which changed()
// tells. Does not move.
class TriedBlock {
 public:
  TriedBlock(const RowSet& rows, std::size_t begin, std::size_t end);
  TriedBlock(const TriedBlock&) = delete;
  TriedBlock& operator=(const TriedBlock&) = delete;

  const tally_kernel_block& block() const { return block_; }
  // Whether an element, or a text's bytes, are not what they were.
  bool changed() const;

 private:
  std::byte* aligned(std::size_t column);

  const std::size_t count_;
  std::size_t column_bytes_ = 0;
  std::vector<std::byte> memory_;
  std::vector<std::string> texts_;         // each column's bytes, one after another
  std::vector<std::string> texts_before_;  // the same
  std::vector<std::byte> before_;
  std::vector<const void*> values_;
  tally_kernel_block block_{};
};

}  // namespace tally::check

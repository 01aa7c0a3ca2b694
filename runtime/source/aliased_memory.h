// AliasedMemory: memory under two addresses, of which one can only be read.
//
// The reader and the gatherer write to the one; kernels of users are given the other,
// so that a kernel that writes into its input is a SIGSEGV, at no cost for each block.
// The pages are those of a memfd: they count as shared memory, not as private.
//
// Threads: one. Errors: Io "io".
#pragma once

#include <cstddef>
#include <utility>

#include "ipc/base/result.h"
#include "ipc/base/unique_fd.h"

namespace tally::source {

class AliasedMemory {
 public:
  AliasedMemory() = default;
  AliasedMemory(AliasedMemory&& other) noexcept;
  AliasedMemory& operator=(AliasedMemory&& other) noexcept;
  ~AliasedMemory();

  // Makes it hold `bytes` at least. What was in it stays, both addresses may change.
  Result<void> reserve(std::size_t bytes);

  std::size_t size() const { return size_; }
  std::byte* writable() const { return writable_; }        // aligned to a page
  const std::byte* readable() const { return readable_; }  // the same bytes

 private:
  UniqueFd file_;
  std::byte* writable_ = nullptr;
  const std::byte* readable_ = nullptr;
  std::size_t size_ = 0;
};

}  // namespace tally::source

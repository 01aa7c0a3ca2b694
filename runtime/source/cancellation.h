// Cancellation: whether a chunk was called off, for readers that wait for input.
//
// Threads: raised() from the reader's, while the flags are written by another.
// Lifetime: the flags must outlive it.
#pragma once

#include <atomic>
#include <cstdint>

namespace tally::source {

class Cancellation {
 public:
  Cancellation() = default;  // of a chunk that nobody calls off
  // It is once one of `bits` is set in `flags` (exec/chunk_page.h).
  Cancellation(const std::atomic<std::uint64_t>& flags, std::uint64_t bits)
      : flags_(&flags), bits_(bits) {}

  bool raised() const {
    return flags_ != nullptr && (flags_->load(std::memory_order_relaxed) & bits_) != 0;
  }

 private:
  const std::atomic<std::uint64_t>* flags_ = nullptr;
  std::uint64_t bits_ = 0;
};

}  // namespace tally::source

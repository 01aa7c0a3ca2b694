// Cancellation: whether a chunk was called off, for readers that wait for input.
//
// Threads: raised() from the reader's, while the flag is written by another. Lifetime:
// the flag must outlive it.
#pragma once

#include <atomic>
#include <cstdint>

namespace tally::source {

class Cancellation {
 public:
  Cancellation() = default;  // of a chunk that nobody calls off
  // `flag` holds the number of the job that is abandoned (exec/chunk_page.h).
  Cancellation(const std::atomic<std::uint64_t>& flag, std::uint64_t job)
      : flag_(&flag), job_(job) {}

  bool raised() const {
    return flag_ != nullptr && flag_->load(std::memory_order_relaxed) == job_;
  }

 private:
  const std::atomic<std::uint64_t>* flag_ = nullptr;
  std::uint64_t job_ = 0;
};

}  // namespace tally::source

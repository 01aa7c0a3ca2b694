// BatchInHand: the chunks that an executor was given together, and which of them its
// page says that it is at.
//
// Threads: the loop's. The executor may be a worker that writes nonsense into its page:
// no answer here names a chunk that was not given.
#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <utility>
#include <vector>

#include "ipc/base/check.h"
#include "ipc/model/chunk_task.h"
#include "runtime/exec/chunk_page.h"

namespace tally::exec {

class BatchInHand {
 public:
  // Precondition: the executor is idle. Nothing of the batch is called off yet.
  void begin(ChunkPage& page, std::vector<model::ChunkKey> chunks) {
    TALLY_CHECK(chunks.size() <= ChunkPage::kMostInBatch);
    chunks_ = std::move(chunks);
    begun_before_ = page.begun.load(std::memory_order_acquire);
    page.called_off.store(0, std::memory_order_relaxed);
    // Progress that is asked for before the executor begins must not be of its last
    // chunk.
    page.advanced.store(0, std::memory_order_relaxed);
  }
  void clear() { chunks_.clear(); }
  const std::vector<model::ChunkKey>& chunks() const { return chunks_; }

  // How many of them the executor has begun.
  std::size_t begun(const ChunkPage& page) const {
    const std::uint64_t count =
        page.begun.load(std::memory_order_acquire) - begun_before_;
    return count <= chunks_.size() ? static_cast<std::size_t>(count) : 0;
  }
  // The last one that it has begun.
  std::optional<model::ChunkKey> at(const ChunkPage& page) const {
    const std::size_t count = begun(page);
    if (count == 0) return std::nullopt;
    return chunks_[count - 1];
  }

  void call_off(ChunkPage& page, std::uint64_t job) const {
    for (std::size_t i = 0; i < chunks_.size(); ++i)
      if (chunks_[i].job == job)
        page.called_off.fetch_or(ChunkPage::bit_of(begun_before_ + i),
                                 std::memory_order_relaxed);
  }
  bool is_called_off(const ChunkPage& page, std::size_t index) const {
    return (page.called_off.load(std::memory_order_relaxed) &
            ChunkPage::bit_of(begun_before_ + index)) != 0;
  }

 private:
  std::vector<model::ChunkKey> chunks_;
  std::uint64_t begun_before_ = 0;
};

}  // namespace tally::exec

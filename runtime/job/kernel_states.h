// KernelStates: what a job's chunks gave of its kernels, as bytes, until a worker
// merges them; and what came of that. The daemon cannot read them: only the kernel can.
//
// Memory: all states of the job, at most kMostBytes. Threads: one.
#pragma once

#include <cstdint>
#include <map>
#include <vector>

#include "ipc/base/result.h"
#include "ipc/base/unique_fd.h"
#include "ipc/model/chunk_task.h"

namespace tally::job {

class KernelStates {
 public:
  static constexpr std::uint64_t kMostBytes = 256U << 20;

  explicit KernelStates(std::size_t kernels);

  // Takes the share of a chunk, or of a part of one, which is a subtree of height
  // `level` (plan::Plan::level). Parts of a chunk come in order. Errors: InvalidData
  // "kernel_states_too_large".
  Result<void> add(model::Partial& partial, std::uint8_t level);

  // All of them, laid out as model::MergePiece says, sealed. Errors: Io.
  Result<UniqueFd> merge_input() const;
  std::uint64_t merge_input_bytes() const;
  std::vector<std::uint8_t> levels() const;  // of what is in it, in order

  // Of the merge round, or of a job's only chunk. Errors: Internal "bad_outputs".
  Result<void> finished(std::vector<std::vector<model::KernelOutput>> outputs);
  // One list a kernel; empty lists until finished.
  const std::vector<std::vector<model::KernelOutput>>& outputs() const {
    return outputs_;
  }
  const std::vector<model::ElementCounts>& counts() const { return counts_; }

 private:
  struct Share {
    std::uint8_t level = 0;
    std::vector<std::vector<std::byte>> states;  // by kernel
  };
  std::map<std::uint32_t, std::vector<Share>> shares_;  // by chunk: one, or one a part
  std::vector<model::ElementCounts> counts_;            // by kernel
  std::vector<std::vector<model::KernelOutput>> outputs_;
  std::uint64_t bytes_ = 0;
};

}  // namespace tally::job

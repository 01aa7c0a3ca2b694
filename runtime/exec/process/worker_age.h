// WorkerAge: what a worker has been through, and when that is enough.
//
// Leaks and fragments of months, a kernel's or ours, end with the process that has
// them. Pure.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>

#include "ipc/model/chunk_task.h"

namespace tally::exec {

struct AgeLimits {
  std::uint64_t chunks = 0;        // 0: any number
  std::uint64_t growth_bytes = 0;  // of private memory; 0: any
  // What a worker was given stays loaded: files of kernels.
  std::size_t images = 64;
};

class WorkerAge {
 public:
  // Of each chunk it answered. The first that was measured is what growth is told from:
  // its working memory is no growth.
  void add(const model::ChunkUsage& usage);

  // Why it is to be replaced, "has run 100000 chunks"; empty: it need not be.
  std::string due(const AgeLimits& limits, std::size_t images) const;

 private:
  std::uint64_t chunks_ = 0;
  std::optional<std::uint64_t> first_bytes_;
  std::uint64_t last_bytes_ = 0;
};

}  // namespace tally::exec

#include "runtime/exec/process/worker_age.h"

namespace tally::exec {

void WorkerAge::add(const model::ChunkUsage& usage) {
  ++chunks_;
  if (!usage.anon_bytes) return;
  if (!first_bytes_) first_bytes_ = usage.anon_bytes;
  last_bytes_ = *usage.anon_bytes;
}

std::string WorkerAge::due(const AgeLimits& limits, std::size_t images) const {
  if (limits.chunks != 0 && chunks_ >= limits.chunks)
    return "has run " + std::to_string(chunks_) + " chunks";
  if (images >= limits.images)
    return "has loaded " + std::to_string(images) + " files of kernels";
  if (limits.growth_bytes != 0 && first_bytes_ &&
      last_bytes_ >= *first_bytes_ + limits.growth_bytes)
    return "has grown from " + std::to_string(*first_bytes_ >> 10) + " to " +
           std::to_string(last_bytes_ >> 10) + " KiB of private memory";
  return "";
}

}  // namespace tally::exec

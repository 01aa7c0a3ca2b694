#include "runtime/exec/job_sync.h"

#include <utility>

namespace tally::exec {

void JobSync::begin(const model::ChunkTask& task, std::span<const int> descriptors) {
  descriptor_.reset();
  if (!task.sync_descriptor || *task.sync_descriptor >= descriptors.size()) return;
  descriptor_ = descriptors[*task.sync_descriptor];
  if (job_ != task.key.job) region_.reset();
  job_ = task.key.job;
}

void JobSync::end() {
  context_.reset();
  descriptor_.reset();
}

const tally_sync* JobSync::get(tally_sync_context** context) {
  if (!descriptor_) return nullptr;
  if (!region_) {
    Result<std::unique_ptr<sync::Region>> mapped = sync::Region::map(*descriptor_);
    if (!mapped) return nullptr;
    region_ = *std::move(mapped);
  }
  if (!context_) {
    Result<sync::KernelContext> attached = sync::attach_kernel(*region_);
    if (!attached) return nullptr;
    context_ = *std::move(attached);
  }
  *context = context_.get();
  return &sync::kernel_table();
}

}  // namespace tally::exec

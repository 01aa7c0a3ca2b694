#include "runtime/job/descriptor_room.h"

#include <asio/post.hpp>

#include <utility>

namespace tally::job {

namespace {

Claim claim_of(std::uint32_t uid, std::uint64_t count) {
  return {uid, {.descriptors = count}, {}};
}

}  // namespace

bool DescriptorRoom::has(std::uint32_t uid, std::uint64_t count) const {
  return !ledger_->refusal(claim_of(uid, count), monotonic_ns());
}

void DescriptorRoom::hold(std::uint32_t uid, std::uint64_t count) {
  ledger_->hold(claim_of(uid, count), monotonic_ns());
}

void DescriptorRoom::give_back(std::uint32_t uid, std::uint64_t count) {
  if (count == 0) return;
  ledger_->give_back(claim_of(uid, count), monotonic_ns());
  came_back();
}

void DescriptorRoom::came_back() {
  if (waiting_.empty() || std::exchange(posted_, true)) return;
  asio::post(loop_, [self = shared_from_this()] {
    self->posted_ = false;
    for (const auto& again : std::exchange(self->waiting_, {})) again();
  });
}

}  // namespace tally::job

#include "runtime/job/descriptor_room.h"

#include <asio/post.hpp>

#include <utility>

namespace tally::job {

void DescriptorRoom::give_back(std::uint64_t count) {
  held_ -= count;
  if (count == 0 || waiting_.empty() || std::exchange(posted_, true)) return;
  asio::post(loop_, [self = shared_from_this()] {
    self->posted_ = false;
    for (const auto& again : std::exchange(self->waiting_, {})) again();
  });
}

}  // namespace tally::job

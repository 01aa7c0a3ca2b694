#include "runtime/job/closer.h"

#include <utility>

namespace tally::job {

void Closer::close(std::vector<UniqueFd> fds) {
  const std::size_t count = fds.size();
  if (count == 0) return;
  waiting_ += count;
  // A std::function is copied, descriptors are not.
  pool_.post(
      [this, count,
       held = std::make_shared<std::vector<UniqueFd>>(std::move(fds))]() mutable {
        held.reset();
        waiting_ -= count;
      });
}

std::shared_ptr<const exec::JobFiles> Closer::hold(std::vector<UniqueFd> fds) {
  // One for all jobs without any. Never destroyed: a host's exit() runs beside the
  // loop.
  static const auto& kNone =
      *new std::shared_ptr<const exec::JobFiles>(std::make_shared<exec::JobFiles>());
  if (fds.empty()) return kNone;
  return {new exec::JobFiles(std::move(fds)),
          [closer = shared_from_this()](exec::JobFiles* files) {
            closer->close(std::move(*files));
            delete files;
          }};
}

}  // namespace tally::job

// Session: jobs and plans whose files come in windows.
#include <utility>

#include "daemon/session.h"
#include "ipc/codec/control_codec.h"

namespace tally::daemon {

std::shared_ptr<job::FileWindows> Session::open_windows(std::uint32_t sequence,
                                                        const model::JobSpec& spec) {
  const auto* source = std::get_if<model::FilesSource>(&spec.source);
  if (source == nullptr || !source->windowed) return nullptr;
  auto windows = std::make_shared<job::FileWindows>(
      socket_.get_executor(),
      [weak = weak_from_this(), sequence](std::uint32_t first, std::uint32_t count) {
        if (const auto self = weak.lock()) self->ask_files(sequence, {first, count});
      });
  windows_[sequence] = windows;
  return windows;
}

// For a job that has ended they are too late, and closed.
void Session::files(std::uint32_t sequence, model::SendFiles files,
                    std::vector<UniqueFd>& fds) {
  const auto found = windows_.find(sequence);
  if (found == windows_.end()) return;
  const std::shared_ptr<job::FileWindows> windows = found->second;
  windows->came(files.first, std::move(fds), std::move(files.error));
}

// Not dropped, as progress is: the job waits for the answer. There are few.
void Session::ask_files(std::uint32_t sequence, const model::NeedFiles& need) {
  if (ended_) return;
  ipc::append_event(out_, sequence, need);
  written();
}

}  // namespace tally::daemon

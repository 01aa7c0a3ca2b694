#include "runtime/job/windowed_inspection.h"

#include <asio/post.hpp>

#include <algorithm>
#include <utility>

#include "ipc/base/guard.h"

namespace tally::job {
namespace {

constexpr std::uint32_t kFilesAhead = 2 * FileWindows::kMostFiles;

const model::FilesSource& files_of(const model::JobSpec& spec) {
  return std::get<model::FilesSource>(spec.source);
}

}  // namespace

WindowedInspection::WindowedInspection(asio::io_context& loop,
                                       exec::ThreadPool& helpers,
                                       std::shared_ptr<DescriptorRoom> room,
                                       std::uint32_t uid,
                                       std::shared_ptr<FileWindows> windows,
                                       std::shared_ptr<const model::JobSpec> spec,
                                       std::vector<std::string> columns)
    : loop_(loop),
      helpers_(helpers),
      room_(std::move(room)),
      uid_(uid),
      windows_(std::move(windows)),
      spec_(std::move(spec)),
      files_(static_cast<std::uint32_t>(files_of(*spec_).files.size())),
      inspector_(files_of(*spec_), std::move(columns)) {}

WindowedInspection::~WindowedInspection() {
  room_->give_back(uid_, held_);
}

void WindowedInspection::start(Done done) {
  done_ = std::move(done);
  windows_->on_failure([weak = weak_from_this()](const Error& why) {
    if (const auto self = weak.lock()) self->finish(why);
  });
  ask_more();
}

void WindowedInspection::ask_more() {
  while (done_ && asked_ < files_ && asked_ - next_ < kFilesAhead) {
    const std::uint32_t first = asked_;
    const std::uint32_t count = std::min(FileWindows::kMostFiles, files_ - first);
    if (!room_->has(uid_, count) && asked_ == next_) drop_first();
    if (!room_->has(uid_, count))
      return room_->wait([weak = weak_from_this()] {
        if (const auto self = weak.lock()) self->ask_more();
      });
    room_->hold(uid_, count);
    held_ += count;
    asked_ += count;
    windows_->ask(first, count,
                  [self = shared_from_this(), first](std::vector<UniqueFd> fds) {
                    self->arrived_[first] = std::move(fds);
                    self->inspect_next();
                  });
  }
}

// Nobody may be kept waiting by what is only good to have.
void WindowedInspection::drop_first() {
  room_->give_back(uid_, held_);
  held_ = 0;
  first_.clear();
}

void WindowedInspection::inspect_next() {
  const auto window = arrived_.find(next_);
  if (!done_ || busy_ || window == arrived_.end()) return;
  busy_ = true;
  auto fds = std::make_shared<std::vector<UniqueFd>>(std::move(window->second));
  arrived_.erase(window);
  helpers_.post([self = shared_from_this(), fds]() mutable {
    const auto count = static_cast<std::uint32_t>(fds->size());
    auto how = std::make_shared<tally::Result<void>>(guarded(
        "inspection", Errc::Internal, [&] { return self->inspector_.add(*fds); }));
    if (self->next_ == 0) self->first_ = std::move(*fds);
    fds->clear();
    asio::io_context& loop = self->loop_;
    // The last reference goes on the loop's thread.
    asio::post(loop, [self = std::move(self), how, count] {
      self->inspected(std::move(*how), count);
    });
  });
}

void WindowedInspection::inspected(tally::Result<void> how, std::uint32_t count) {
  busy_ = false;
  if (!done_) return;
  if (!how) return finish(std::move(how).error());
  if (next_ != 0) {
    room_->give_back(uid_, count);
    held_ -= count;
  }
  next_ += count;
  if (next_ < files_) {
    ask_more();
    return inspect_next();
  }
  auto all = std::make_shared<InspectedWindows>();
  all->inspection = inspector_.inspection();
  all->identities = inspector_.identities();
  all->first = std::move(first_);
  finish(std::move(all));
}

void WindowedInspection::finish(Result result) {
  if (const Done done = std::exchange(done_, nullptr)) done(std::move(result));
}

}  // namespace tally::job

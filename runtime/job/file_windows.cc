#include "runtime/job/file_windows.h"

#include <algorithm>
#include <string>
#include <utility>

namespace tally::job {
namespace {

Error bad_files(const std::string& what) {
  return Error(Errc::InvalidArgument, "bad_files", "the client sent " + what);
}

std::string text_of(std::uint32_t first, std::size_t count) {
  return std::to_string(count) + (count == 1 ? " file from " : " files from ") +
         std::to_string(first) + " on";
}

Error as_told(const Error& told) {
  if (told.errc() == Errc::Io || told.errc() == Errc::InvalidData) return told;
  return Error(Errc::Io, "file_lost", told.message());
}

}  // namespace

FileWindows::FileWindows(const asio::any_io_executor& loop, Ask ask,
                         std::chrono::milliseconds patience)
    : ask_(std::move(ask)), patience_(patience), timer_(loop) {}

void FileWindows::ask(std::uint32_t first, std::uint32_t count, Came came) {
  if (closed_) return;
  const auto patience = static_cast<Nanoseconds>(
      std::chrono::duration_cast<std::chrono::nanoseconds>(patience_).count());
  asked_.push_back({first, count, monotonic_ns() + patience, std::move(came)});
  if (asked_.size() == 1) arm();
  ask_(first, count);
}

void FileWindows::came(std::uint32_t first, std::vector<UniqueFd> fds,
                       std::optional<Error> error) {
  if (closed_) return;
  const auto window =
      std::find_if(asked_.begin(), asked_.end(),
                   [&](const Window& one) { return one.first == first; });
  if (window == asked_.end())
    return fail(bad_files(text_of(first, fds.size()) + ", which nobody asked for"));
  if (error) return fail(as_told(*error));
  if (fds.size() != window->count)
    return fail(bad_files(text_of(first, fds.size()) + " where " +
                          std::to_string(window->count) + " were asked for"));
  const auto self = shared_from_this();  // what is called may let go of us
  const Came took = std::move(window->came);
  asked_.erase(window);
  arm();
  took(std::move(fds));
}

void FileWindows::fail(const Error& why) {
  const auto self = shared_from_this();
  const Failed failed = std::move(failed_);
  close();
  if (failed) failed(why);
}

void FileWindows::close() {
  closed_ = true;
  asked_.clear();
  failed_ = nullptr;
  timer_.cancel();
}

// For the oldest of what was asked.
void FileWindows::arm() {
  if (asked_.empty()) {
    timer_.cancel();
    return;
  }
  const Nanoseconds now = monotonic_ns();
  const Nanoseconds deadline = asked_.front().deadline_ns;
  timer_.expires_after(std::chrono::nanoseconds(deadline > now ? deadline - now : 0));
  timer_.async_wait([weak = weak_from_this()](asio::error_code error) {
    const auto self = weak.lock();
    if (error || !self || self->closed_ || self->asked_.empty()) return;
    const Window& oldest = self->asked_.front();
    if (oldest.deadline_ns > monotonic_ns()) return self->arm();
    self->fail(Error(Errc::Io, "files_not_sent",
                     "the client did not send " + text_of(oldest.first, oldest.count) +
                         " within " + std::to_string(self->patience_.count()) + " ms")
                   .with("first", std::int64_t{oldest.first})
                   .with("count", std::int64_t{oldest.count}));
  });
}

}  // namespace tally::job

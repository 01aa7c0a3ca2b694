#include "daemon/lost_jobs.h"

#include <sys/syscall.h>
#include <unistd.h>

#include <asio/post.hpp>

#include <algorithm>
#include <utility>

namespace tally::daemon {
namespace {

// In one turn of the loop: others are served in between.
constexpr std::size_t kCancelledAtOnce = 64;

Error client_gone() {
  return Error(Errc::Cancelled, "client_gone",
               "the client that the job was attached to is gone");
}

}  // namespace

LostJobs::LostJobs(asio::io_context& loop, Engine& engine,
                   std::chrono::nanoseconds grace)
    : loop_(loop),
      engine_(engine),
      grace_ns_(static_cast<Nanoseconds>(grace.count())),
      timer_(loop) {}

LostJobs::~LostJobs() {
  *alive_ = false;
}

bool LostJobs::add(std::uint64_t job, const ipc::Peer& client) {
  const std::optional<Engine::Left> left = engine_.leave(job);
  if (!left) return false;
  const bool by_library = left->client_id.starts_with(model::kLibraryIdPrefix);
  if (given_up_ || grace_ns_ == 0 || left->client_id.empty() ||
      (by_library && !watch(client))) {
    engine_.cancel(job, client_gone());
    return false;
  }
  waiting_.push_back({job, left->at_ns, by_library ? client.pid : 0});
  if (waiting_.size() == 1) arm();
  return true;
}

// False: the process has ended, or is none that we can see.
bool LostJobs::watch(const ipc::Peer& client) {
  const std::int32_t pid = client.pid;
  if (const auto known = processes_.find(pid); known != processes_.end()) {
    ++known->second.jobs;
    return true;
  }
  const auto of_user = std::ranges::count_if(
      processes_, [&](const auto& known) { return known.second.uid == client.uid; });
  if (static_cast<std::size_t>(of_user) >= kMostWatched) return false;
  UniqueFd pidfd(static_cast<int>(::syscall(SYS_pidfd_open, pid, 0)));
  if (!pidfd) return false;
  asio::posix::stream_descriptor end(loop_);
  asio::error_code error;
  end.assign(pidfd.release(), error);
  if (error) return false;
  Process& process =
      processes_.emplace(pid, Process{std::move(end), 1, client.uid}).first->second;
  process.end.async_wait(asio::posix::stream_descriptor::wait_read,
                         [this, pid, alive = alive_](asio::error_code failed) {
                           if (!failed && *alive) process_ended(pid);
                         });
  return true;
}

void LostJobs::process_ended(std::int32_t pid) {
  const auto its =
      std::stable_partition(waiting_.begin(), waiting_.end(),
                            [&](const Waiting& waiting) { return waiting.pid != pid; });
  due_.insert(due_.end(), its, waiting_.end());
  waiting_.erase(its, waiting_.end());
  processes_.erase(pid);
  cancel_due();
}

void LostJobs::let_go(const Waiting& waiting) {
  const auto process = processes_.find(waiting.pid);
  if (process != processes_.end() && --process->second.jobs == 0)
    processes_.erase(process);
}

void LostJobs::arm() {
  if (waiting_.empty()) return;
  timer_.expires_after(time_until(waiting_.front().left_ns + grace_ns_));
  timer_.async_wait([this, alive = alive_](asio::error_code error) {
    if (error || !*alive) return;
    const Nanoseconds now = monotonic_ns();
    while (!waiting_.empty() && waiting_.front().left_ns + grace_ns_ <= now) {
      let_go(waiting_.front());
      due_.push_back(waiting_.front());
      waiting_.pop_front();
    }
    arm();
    cancel_due();
  });
}

// A job that was taken up again since, or was and was lost once more, is not due by
// what is told of it here.
void LostJobs::cancel_due() {
  for (std::size_t n = 0; n < kCancelledAtOnce && !due_.empty(); ++n) {
    const Waiting waiting = due_.front();
    due_.pop_front();
    if (engine_.left_ns(waiting.job) == waiting.left_ns)
      engine_.cancel(waiting.job, client_gone());
  }
  if (due_.empty() || std::exchange(cancelling_, true)) return;
  asio::post(loop_, [this, alive = alive_] {
    if (!*alive) return;
    cancelling_ = false;
    cancel_due();
  });
}

void LostJobs::give_up() {
  given_up_ = true;
  timer_.cancel();
  processes_.clear();
  due_.insert(due_.end(), waiting_.begin(), waiting_.end());
  waiting_.clear();
  cancel_due();
}

}  // namespace tally::daemon

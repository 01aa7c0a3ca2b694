// Engine: what happens by the clock: deadlines, news of progress, memory given back.
#include <malloc.h>

#include <algorithm>
#include <chrono>

#include "runtime/engine.h"

namespace tally {
namespace {

constexpr std::chrono::milliseconds kProgressEvery{100};
constexpr std::chrono::milliseconds kTrimAfter{500};

}  // namespace

void Engine::arm_deadline() {
  const std::optional<Nanoseconds> next = scheduler_.next_deadline_ns();
  if (!next) {
    if (armed_deadline_ns_) deadline_timer_.cancel();
    armed_deadline_ns_.reset();
    return;
  }
  // One that comes too early does nothing, and costs less than to set it each time.
  if (armed_deadline_ns_ && *armed_deadline_ns_ <= *next) return;
  armed_deadline_ns_ = next;
  deadline_timer_.expires_after(time_until(*next));
  deadline_timer_.async_wait([this, alive = alive_](asio::error_code error) {
    if (error || !*alive) return;
    armed_deadline_ns_.reset();
    feed({sched::TimePassed{monotonic_ns()}, std::nullopt, 0, 0});
  });
}

// What many jobs took is the allocator's when they are gone, between what is still
// held. It keeps that for ever unless it is told; and told for each job, it does little
// else.
void Engine::trim_if_few() {
  const auto few = [this] { return jobs_.size() <= most_jobs_seen_ / 4; };
  if (most_jobs_seen_ < kManyJobs || trim_armed_ || !few()) return;
  trim_armed_ = true;
  trim_timer_.expires_after(kTrimAfter);
  trim_timer_.async_wait([this, few, alive = alive_](asio::error_code error) {
    if (error || !*alive) return;
    trim_armed_ = false;
    if (!few()) return;
    most_jobs_seen_ = jobs_.size();
    helpers_.post([] { ::malloc_trim(0); });
  });
}

void Engine::arm_progress() {
  if (progress_armed_) return;
  progress_armed_ = true;
  progress_timer_.expires_after(kProgressEvery);
  progress_timer_.async_wait([this, alive = alive_](asio::error_code error) {
    if (error || !*alive) return;
    progress_armed_ = false;
    send_progress();
  });
}

void Engine::send_progress() {
  std::unordered_map<std::uint64_t, std::uint64_t> in_hand;
  for (const auto& [slot, hand] : hands_)
    if (!hand.empty() && jobs_.contains(hand.back()))
      in_hand[hand.back()] += path(slot.lane).advanced(slot.number);
  bool any = false;
  for (const auto& [number, job] : jobs_) {
    if (!job->wants_progress || !job->planned()) continue;
    any = true;
    model::JobProgress progress;
    progress.id = job->id;
    progress.done = job->done_extent() + in_hand[number];
    if (!job->plan().has_streams()) {  // else the total is not known
      progress.total = job->plan().size();
      // A chunk between its end and its acceptance may count twice for a moment.
      progress.done = std::min(progress.done, progress.total);
    }
    progress.in_bytes = job->plan().in_bytes();
    for (const auto& observer : job->observers) observer->progress(progress);
  }
  if (any) arm_progress();
}

}  // namespace tally

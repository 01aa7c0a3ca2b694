// Engine: jobs that end before their time answer when what ran of them has stopped.
#include <algorithm>
#include <chrono>
#include <utility>

#include "runtime/engine.h"

namespace tally {
namespace {

// The process path's own steps are done by then, but where a device holds a worker; a
// thread that hangs in a read cannot be ended at all.
constexpr std::chrono::milliseconds kLongestStop{3000};

bool is_called_off(const Error& error) {
  return error.errc() == Errc::Cancelled || error.errc() == Errc::DeadlineExceeded;
}

}  // namespace

// Whether the job's answer waits. Its chunks' flags are raised already.
bool Engine::stop_running(job::Job& job, const std::optional<Error>& why) {
  if (!why || !is_called_off(*why) || stopping_all_) return false;
  const std::uint64_t number = job.id.number;
  Stopping stopping{*why, monotonic_ns(), {}, model::StopMeans::NotStarted, nullptr};
  for (const auto& [slot, hand] : hands_)
    if (std::ranges::find(hand, number) != hand.end() &&
        path(slot.lane).works_on(slot.number, number))
      stopping.slots.insert(slot);
  if (job.has_run() || !stopping.slots.empty())
    stopping.how = model::StopMeans::Cooperative;
  // The chunks may wait for these.
  job.close_sync_region();
  job.stop_windows();
  const bool waits = !stopping.slots.empty();
  if (waits) {
    stopping.timer = std::make_unique<asio::steady_timer>(loop_, kLongestStop);
    stopping.timer->async_wait([this, number, alive = alive_](asio::error_code error) {
      if (!error && *alive) leave_behind(number);
    });
  }
  stopping_.insert_or_assign(number, std::move(stopping));
  return waits;
}

void Engine::settled(sched::SlotId slot, std::uint64_t number, model::StopMeans means) {
  const auto found = stopping_.find(number);
  if (found == stopping_.end() || found->second.slots.erase(slot) == 0) return;
  found->second.how = std::max(found->second.how, means);
  if (found->second.slots.empty()) end(number, found->second.why);
}

// The slot lost all that it had in hand.
void Engine::gone(sched::SlotId slot, model::StopMeans ended_by) {
  for (const std::uint64_t number : std::exchange(hands_[slot], {}))
    settled(slot, number, ended_by);
}

void Engine::leave_behind(std::uint64_t number) {
  const auto found = stopping_.find(number);
  if (found == stopping_.end()) return;
  // In a batch its chunk may have ended, and the batch not.
  for (const sched::SlotId slot : found->second.slots)
    if (path(slot.lane).works_on(slot.number, number))
      found->second.how = model::StopMeans::LeftBehind;
  end(number, found->second.why);
}

std::optional<model::Stopped> Engine::take_stopped(std::uint64_t number) {
  const auto stopped = stopping_.extract(number);
  if (stopped.empty()) return std::nullopt;
  return model::Stopped{stopped.mapped().how,
                        monotonic_ns() - stopped.mapped().since_ns};
}

}  // namespace tally

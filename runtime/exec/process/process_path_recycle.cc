// ProcessPath: old workers go, and the next is ready before one stops.
#include <signal.h>

#include <algorithm>
#include <memory>
#include <utility>

#include "ipc/base/clock.h"
#include "runtime/exec/process/worker_slot.h"

namespace tally::exec {
namespace {

using std::chrono::milliseconds;

constexpr milliseconds kSuccessorRetry{1000};  // after one that did not start

}  // namespace

// One at a time over the pool, which would else be twice as large for a moment.
void ProcessPath::recycle_if_due(Slot& slot) {
  if (stopped_ || !zygote_ || slot.is_leaving || slot.successor) return;
  if (slot.state != WorkerState::Idle && slot.state != WorkerState::Busy) return;
  std::string why = slot.worker.age.due(options_.age, slot.worker.images.size());
  if (why.empty() || monotonic_ns() < no_successor_before_ns_) return;
  if (std::any_of(slots_.begin(), slots_.end(),
                  [](const auto& other) { return other->successor.has_value(); }))
    return;
  Result<WorkerProcess> asked = ask_for_worker();
  if (!asked) return put_off_successor(slot, asked.error().message());
  slot.successor = *std::move(asked);
  slot.succeeds_for = std::move(why);
  slot.successor_timer.expires_after(kStartDeadline);
  slot.successor_timer.async_wait([this, &slot](asio::error_code error) {
    if (!error && slot.successor && !slot.successor->complete())
      drop_successor(slot, "it did not say hello in time");
  });
}

std::optional<WorkerProcess> ProcessPath::take_successor(Slot& slot) {
  slot.successor_timer.cancel();
  return std::exchange(slot.successor, std::nullopt);
}

void ProcessPath::drop_successor(Slot& slot, const std::string& why) {
  take_successor(slot)->signal(SIGKILL);
  put_off_successor(slot, why);
}

void ProcessPath::put_off_successor(const Slot& slot, const std::string& why) {
  no_successor_before_ns_ =
      monotonic_ns() +
      static_cast<Nanoseconds>(std::chrono::nanoseconds(kSuccessorRetry).count());
  log_("worker " + std::to_string(slot.number) +
       " is to be replaced, and the next did not start: " + why);
}

// One that waits for the end of a long chunk goes where it can serve now. The other is
// given another when its turn comes.
void ProcessPath::take_over_successor(Slot& slot) {
  if (slot.successor) return;
  const auto waiting = std::ranges::find_if(slots_, [](const auto& other) {
    return other->successor && other->successor->complete();
  });
  if (waiting == slots_.end()) return;
  std::string why = slot.worker.age.due(options_.age, slot.worker.images.size());
  if (why.empty()) return;
  slot.successor = take_successor(**waiting);
  slot.succeeds_for = std::move(why);
}

// Precondition: nothing is in hand, or the last of it was just answered.
void ProcessPath::succeed_if_ready(Slot& slot) {
  take_over_successor(slot);
  if (!slot.successor || !slot.successor->complete() || !slot.in_hand.empty()) return;
  if (slot.state != WorkerState::Idle && slot.state != WorkerState::Busy) return;
  // One that is about to be lost is succeeded when it is.
  if (slot.is_leaving || slot.worker.link_closed) return;
  log_("worker " + std::to_string(slot.number) + " (pid " +
       std::to_string(slot.worker.pid) + ") " + slot.succeeds_for + "; pid " +
       std::to_string(slot.successor->pid) + " takes its place");
  retire(std::exchange(slot.worker, *take_successor(slot)));
}

// Its link's end tells it to go. One that is stopped does not hear.
void ProcessPath::retire(WorkerProcess worker) {
  const std::uint64_t serial = worker.serial;
  worker.link.reset();
  auto retired = std::make_unique<Retired>(std::move(worker), loop_);
  retired->timer.expires_after(kStopDeadline);
  retired->timer.async_wait([this, serial](asio::error_code error) {
    if (error) return;  // it has gone, or all of us have
    const auto at = retired_.find(serial);
    if (at != retired_.end()) at->second->worker.signal(SIGKILL);
  });
  retired_[serial] = std::move(retired);
}

}  // namespace tally::exec

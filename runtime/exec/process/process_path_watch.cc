// ProcessPath: workers that stand still or go on after their job are ended.
#include <signal.h>

#include <algorithm>

#include "ipc/base/clock.h"
#include "runtime/account/process_state.h"
#include "runtime/exec/process/death.h"
#include "runtime/exec/process/worker_slot.h"

namespace tally::exec {
namespace {

using std::chrono::milliseconds;

constexpr milliseconds kHeedGrace{200};    // interrupt to SIGTERM
constexpr milliseconds kTermGrace{200};    // that to SIGKILL
constexpr milliseconds kWatchEvery{1000};  // at most: a short limit needs more looks

// Zero for what is to come.
Nanoseconds since(asio::steady_timer::time_point when) {
  const std::chrono::nanoseconds passed = asio::steady_timer::clock_type::now() - when;
  return static_cast<Nanoseconds>(
      std::max(passed, std::chrono::nanoseconds(0)).count());
}

}  // namespace

void ProcessPath::interrupt(std::uint32_t number, std::uint64_t job) {
  Slot& slot = *slots_[number];
  if (slot.in_hand.empty()) return;
  const bool was_waited_for = slot.is_at_called_off();
  slot.batch.call_off(*slot.worker.page.get(), job);
  if (!was_waited_for) end_if_deaf(slot);
}

bool ProcessPath::works_on(std::uint32_t number, std::uint64_t job) const {
  const Slot& slot = *slots_[number];
  const auto running = slot.running();
  return running && running->job == job;
}

// A worker that is stopped, hangs in a read or in a kernel does not see the flag. Each
// chunk of a batch that is called off has its own time to end.
void ProcessPath::end_if_deaf(Slot& slot) {
  const std::size_t begun = slot.batch.begun(*slot.worker.page.get());
  const bool called_off = slot.is_at_called_off();
  slot.deaf_timer.expires_after(kHeedGrace);
  slot.deaf_timer.async_wait(
      [this, &slot, begun, called_off, serial = slot.worker.serial](auto error) {
        if (error || slot.worker.serial != serial || slot.in_hand.empty()) return;
        if (!slot.works()) return;
        const bool is_deaf = called_off && slot.is_at_called_off() && slot.running() &&
                             slot.batch.begun(*slot.worker.page.get()) == begun;
        if (is_deaf) return end_deaf(slot);
        if (slot.is_at_called_off() || slot.comes_to_called_off()) end_if_deaf(slot);
      });
}

void ProcessPath::end_deaf(Slot& slot) {
  slot.watch.look(WorkMoment::of(*slot.worker.page.get()), monotonic_ns());
  const auto pid = static_cast<std::uint32_t>(slot.worker.pid);
  slot.killed_for = worker_deaf(slot.number, pid, slot.doing(),
                                account::process_state(pid), kHeedGrace);
  slot.is_leaving = true;
  slot.ended_by = model::StopMeans::Sigterm;
  slot.worker.signal(SIGTERM);
  kill_if_it_stays(slot);
}

// A kernel may catch SIGTERM, to no avail; a stopped process does not even see it.
void ProcessPath::kill_if_it_stays(Slot& slot) {
  slot.deaf_timer.expires_after(kTermGrace);
  slot.deaf_timer.async_wait([this, &slot, serial = slot.worker.serial](auto error) {
    if (error || slot.worker.serial != serial || !slot.works()) return;
    log_("worker " + std::to_string(slot.number) + " outlives SIGTERM; SIGKILL");
    slot.ended_by = model::StopMeans::Sigkill;
    apply(slot, WorkerEvent::Timeout);
  });
}

// One timer for all, and only while there is something to watch.
void ProcessPath::watch_later() {
  if (watching_ || stopped_) return;
  watching_ = true;
  oom_kills_.look(monotonic_ns());
  const std::chrono::nanoseconds least = std::min(limits_.kernel, limits_.worker) / 8;
  watch_timer_.expires_after(std::min<std::chrono::nanoseconds>(least, kWatchEvery));
  watch_timer_.async_wait([this](asio::error_code error) {
    if (error) return;
    watching_ = false;
    const Nanoseconds late_ns = since(watch_timer_.expiry());
    bool any = false;
    for (const auto& slot : slots_) {
      if (slot->state != WorkerState::Busy) continue;
      slot->watch.leave_out(late_ns, monotonic_ns());
      kill_if_still(*slot);
      any = true;
    }
    if (any) watch_later();
  });
}

void ProcessPath::kill_if_still(Slot& slot) {
  const Nanoseconds now_ns = monotonic_ns();
  slot.watch.look(WorkMoment::of(*slot.worker.page.get()), now_ns);
  const auto limit = slot.watch.exceeded(limits_, now_ns);
  if (!limit) return;
  const auto pid = static_cast<std::uint32_t>(slot.worker.pid);
  const char state = account::process_state(pid);
  const bool in_kernel = slot.watch.moment().place.call != KernelCall::None;
  if (in_kernel && state != 'T' && state != 't')
    slot.killed_for = kernel_stalled(slot.number, pid, *limit);
  else
    slot.killed_for = worker_stalled(
        {slot.number, pid, slot.doing(), state, *limit,
         in_kernel ? "[kernels] stall_timeout" : "[pool] stall_timeout"});
  slot.ended_by = model::StopMeans::Sigkill;
  apply(slot, WorkerEvent::Timeout);
}

}  // namespace tally::exec

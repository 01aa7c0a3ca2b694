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

constexpr milliseconds kHeedGrace{1000};   // interrupt to SIGTERM
constexpr milliseconds kTermGrace{200};    // that to SIGKILL
constexpr milliseconds kWatchEvery{1000};  // at most: a short limit needs more looks

}  // namespace

void ProcessPath::interrupt(std::uint32_t number, std::uint64_t job) {
  Slot& slot = *slots_[number];
  if (ChunkPage* page = slot.worker.page.get()) {
    page->cancelled_job.store(job, std::memory_order_relaxed);
    kill_if_deaf(slot, job);
  }
}

// A worker that is stopped, hangs in a read or in a kernel does not see the flag.
void ProcessPath::kill_if_deaf(Slot& slot, std::uint64_t job) {
  slot.deaf_timer.expires_after(kHeedGrace);
  slot.deaf_timer.async_wait(
      [this, &slot, job, serial = slot.worker.serial](auto error) {
        if (error || slot.worker.serial != serial || slot.in_hand.empty()) return;
        const auto running = slot.running();
        if (!running || !slot.works()) return;
        if (running->job != job) {  // of a batch: its turn is to come, or has been
          for (const model::ChunkKey& key : slot.in_hand)
            if (key.job == job && slot.is_to_come(key))
              return interrupt(slot.number, job);
          return;
        }
        slot.watch.look(WorkMoment::of(*slot.worker.page.get()), monotonic_ns());
        const auto pid = static_cast<std::uint32_t>(slot.worker.pid);
        slot.killed_for = worker_deaf(slot.number, pid, slot.doing(),
                                      account::process_state(pid), kHeedGrace);
        slot.is_leaving = true;
        slot.worker.signal(SIGTERM);
        kill_if_it_stays(slot);
      });
}

// A kernel may catch SIGTERM, to no avail; a stopped process does not even see it.
void ProcessPath::kill_if_it_stays(Slot& slot) {
  slot.deaf_timer.expires_after(kTermGrace);
  slot.deaf_timer.async_wait([this, &slot, serial = slot.worker.serial](auto error) {
    if (error || slot.worker.serial != serial || !slot.works()) return;
    log_("worker " + std::to_string(slot.number) + " outlives SIGTERM; SIGKILL");
    apply(slot, WorkerEvent::Timeout);
  });
}

// One timer for all, and only while there is something to watch.
void ProcessPath::watch_later() {
  if (watching_ || stopped_) return;
  watching_ = true;
  const std::chrono::nanoseconds least = std::min(limits_.kernel, limits_.worker) / 8;
  watch_timer_.expires_after(std::min<std::chrono::nanoseconds>(least, kWatchEvery));
  watch_timer_.async_wait([this](asio::error_code error) {
    if (error) return;
    watching_ = false;
    oom_kills_.look();
    bool any = false;
    for (const auto& slot : slots_) {
      if (slot->state != WorkerState::Busy) continue;
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
  apply(slot, WorkerEvent::Timeout);
}

}  // namespace tally::exec

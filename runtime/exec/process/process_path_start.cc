// ProcessPath: how workers, and the zygote that forks them, are started.
#include <signal.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <algorithm>
#include <cstring>
#include <memory>
#include <utility>

#include "runtime/account/process_state.h"
#include "runtime/exec/process/build_id.h"
#include "runtime/exec/process/worker_slot.h"

namespace tally::exec {
namespace {

using std::chrono::milliseconds;

constexpr milliseconds kZygoteLook{100};  // at one that does not answer
constexpr milliseconds kFirstBackoff{10};
constexpr milliseconds kLongestBackoff{5000};

// 0, 10 ms, 20 ms, … 5 s: the first failure is retried at once.
milliseconds backoff(std::uint32_t failures) {
  if (failures == 0) return milliseconds(0);
  const auto doubled = kFirstBackoff * (1U << std::min(failures - 1, 16U));
  return std::min(doubled, kLongestBackoff);
}

}  // namespace

// Asks for one: on_forked and its hello follow.
Result<WorkerProcess> ProcessPath::ask_for_worker() {
  if (!zygote_) return Error(Errc::Internal, "there is no zygote");
  WorkerProcess worker;
  worker.serial = next_serial_++;
  int ends[2];
  if (::socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ends) != 0)
    return Error::from_errno("socketpair");
  UniqueFd ours(ends[0]);
  const UniqueFd theirs(ends[1]);
  const Result<UniqueFd> page = make_page();
  if (!page) return page.error();
  Result<MappedPage> mapped = MappedPage::map(page->get());
  if (!mapped) return mapped.error();
  Result<WorkerOutput> output = WorkerOutput::make();
  if (!output) return output.error();
  if (Result<void> asked =
          zygote_->fork_worker(worker.serial, theirs.get(), page->get(), output->fd());
      !asked)
    return asked.error();
  look_at_zygote_later(worker.serial);
  worker.page = *std::move(mapped);
  worker.output = *std::move(output);
  worker.link = std::make_unique<WorkerLink>(loop_, std::move(ours), worker.serial,
                                             static_cast<WorkerLinkEvents&>(*this));
  return worker;
}

void ProcessPath::fork(Slot& slot) {
  Result<WorkerProcess> asked = ask_for_worker();
  if (!asked) {
    slot.worker.output = WorkerOutput();  // what its last one wrote was told
    apply(slot, WorkerEvent::Forked);
    log_("worker " + std::to_string(slot.number) + ": " + asked.error().message());
    return lose(slot, asked.error(), false);
  }
  start_with(slot, *std::move(asked));
}

void ProcessPath::start_with(Slot& slot, WorkerProcess worker) {
  slot.worker = std::move(worker);
  slot.killed_for.reset();
  slot.is_leaving = false;
  slot.ended_by = model::StopMeans::Cooperative;
  apply(slot, WorkerEvent::Forked);
  arm(slot, kStartDeadline);
}

void ProcessPath::fork_later(Slot& slot) {
  if (stopped_) {
    check_stopped();
    return;
  }
  slot.fork_timer.expires_after(backoff(slot.young_deaths));
  slot.fork_timer.async_wait([this, &slot](asio::error_code error) {
    // Without a zygote there is nobody to ask: its return forks every empty slot.
    if (error || stopped_ || !zygote_ || slot.state != WorkerState::Dead) return;
    if (!slot.successor) return fork(slot);
    start_with(slot, *take_successor(slot));
    ready_if_complete(slot);
  });
}

void ProcessPath::on_forked(std::uint64_t serial, pid_t pid, UniqueFd pidfd) {
  last_forked_ = std::max(last_forked_, serial);
  if (Slot* heir = find_by_successor(serial)) {
    heir->successor->pid = pid;
    heir->successor->pidfd = std::move(pidfd);
    return succeed_if_ready(*heir);
  }
  Slot* slot = find(serial);
  if (slot == nullptr) {  // given up meanwhile
    if (pidfd) ::syscall(SYS_pidfd_send_signal, pidfd.get(), SIGKILL, nullptr, 0);
    return;
  }
  slot->worker.pid = pid;
  slot->worker.pidfd = std::move(pidfd);
  if (slot->state == WorkerState::Stopping || slot->state == WorkerState::Killing)
    slot->worker.signal(SIGKILL);
  else
    ready_if_complete(*slot);
}

void ProcessPath::on_fork_failed(std::uint64_t serial, int error_number) {
  last_forked_ = std::max(last_forked_, serial);
  if (Slot* heir = find_by_successor(serial))
    return drop_successor(*heir, std::string("fork: ") + std::strerror(error_number));
  Slot* slot = find(serial);
  if (slot == nullptr) return;
  lose(*slot,
       Error(Errc::Internal, std::string("fork: ") + std::strerror(error_number)),
       false);
}

void ProcessPath::ready(Slot& slot, WorkerProcess& worker,
                        const ipc::WorkerReady& hello) {
  if (hello.build != kBuildId || hello.protocol != ipc::kProtocolVersion) {
    log_("worker " + std::to_string(slot.number) + " is of build '" + hello.build +
         "', this is '" + std::string(kBuildId) + "'; replacing it");
    worker.signal(SIGKILL);
    return;
  }
  worker.greeted = true;
  if (&worker == &slot.worker)
    ready_if_complete(slot);
  else
    succeed_if_ready(slot);
}

void ProcessPath::ready_if_complete(Slot& slot) {
  if (!slot.worker.complete()) return;
  ++slot.timer_round;  // in time
  slot.timer.cancel();
  slot.young_deaths = 0;
  zygote_failures_ = 0;
  apply(slot, WorkerEvent::Ready);
}

// One that is stopped answers nothing. Only its end helps, which ends all of its
// workers: so it is left alone until a worker is wanted.
void ProcessPath::look_at_zygote_later(std::uint64_t serial) {
  zygote_look_timer_.expires_after(kZygoteLook);
  zygote_look_timer_.async_wait([this, serial](asio::error_code error) {
    if (error || !zygote_ || serial <= last_forked_) return;
    const char state =
        account::process_state(static_cast<std::uint32_t>(zygote_->pid()));
    if (state != 'T' && state != 't') return look_at_zygote_later(serial);
    log_("the zygote (pid " + std::to_string(zygote_->pid()) +
         ") is stopped and forks no worker; killing it");
    zygote_->kill();
  });
}

void ProcessPath::on_zygote_gone() {
  log_("the zygote (pid " + std::to_string(zygote_->pid()) +
       ") is gone, and its workers with it; starting another");
  ++zygote_restarts_;
  ++zygote_failures_;
  zygote_look_timer_.cancel();
  zygote_.reset();
  for (const auto& [serial, retired] : retired_) retired->worker.signal(SIGKILL);
  retired_.clear();
  for (const auto& slot : slots_) {
    if (slot->successor) drop_successor(*slot, "the zygote died");
    if (slot->state == WorkerState::Dead) continue;
    slot->worker.signal(
        SIGKILL);  // they die with it anyway; this is for one that was stopped
    // It was killed by somebody: by a kernel, perhaps, and would be again.
    lose(*slot, Error(Errc::WorkerLost, "zygote_lost", "the zygote died"),
         slot->in_kernel());
  }
  start_zygote_later();
}

void ProcessPath::start_zygote_later() {
  if (stopped_) return;
  zygote_timer_.expires_after(backoff(zygote_failures_ - 1));
  zygote_timer_.async_wait([this](asio::error_code error) {
    if (error || stopped_ || zygote_) return;
    if (Result<void> started = start(); !started) {
      log_(started.error().message());
      ++zygote_failures_;
      start_zygote_later();
    }
  });
}

}  // namespace tally::exec

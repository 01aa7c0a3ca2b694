#include "runtime/exec/process/process_path.h"

#include <signal.h>
#include <sys/wait.h>

#include <asio/post.hpp>

#include <algorithm>
#include <chrono>
#include <utility>

#include "ipc/base/clock.h"
#include "ipc/base/printable.h"
#include "runtime/account/process_state.h"
#include "runtime/exec/process/death.h"
#include "runtime/exec/process/ends_worker.h"
#include "runtime/exec/process/worker_slot.h"

namespace tally::exec {
namespace {

using std::chrono::milliseconds;

constexpr milliseconds kCauseGrace{1000};   // end-of-file to the zygote's message
constexpr milliseconds kEndGrace{2000};     // SIGKILL to giving it up
constexpr std::uint32_t kWorthTelling = 3;  // failures in a row: the pool is degraded
constexpr std::size_t kMostLogged = 2000;   // bytes of a dead worker's output

std::vector<model::ChunkKey> keys_of(const std::vector<Assignment>& batch) {
  std::vector<model::ChunkKey> keys;
  keys.reserve(batch.size());
  for (const Assignment& one : batch) keys.push_back(one.task.key);
  return keys;
}

}  // namespace

ProcessPath::ProcessPath(asio::io_context& loop, Options options, PathEvents& events,
                         Log log)
    : loop_(loop),
      options_(std::move(options)),
      events_(events),
      log_(std::move(log)),
      zygote_timer_(loop),
      zygote_look_timer_(loop),
      watch_timer_(loop) {
  for (std::uint32_t number = 0; number < options_.workers; ++number)
    slots_.push_back(std::make_unique<Slot>(number, loop));
}

ProcessPath::~ProcessPath() {
  for (const auto& slot : slots_)
    if (slot->state != WorkerState::Dead) slot->worker.signal(SIGKILL);
}

Result<void> ProcessPath::start() {
  Result<std::unique_ptr<Zygote>> zygote = Zygote::spawn(loop_, options_.zygote, *this);
  if (!zygote) return std::move(zygote).error();
  zygote_ = *std::move(zygote);
  for (const auto& slot : slots_) fork(*slot);
  return {};
}

void ProcessPath::stop(std::function<void()> stopped) {
  stopped_ = std::move(stopped);
  zygote_timer_.cancel();
  watch_timer_.cancel();
  zygote_look_timer_.cancel();
  for (const auto& [serial, retired] : retired_) retired->worker.signal(SIGKILL);
  for (const auto& slot : slots_) {
    if (slot->successor) take_successor(*slot)->signal(SIGKILL);
    slot->fork_timer.cancel();
    apply(*slot, WorkerEvent::Stop);
    // What it has in hand was cancelled before; one that does not notice is killed.
    if (slot->state == WorkerState::Draining) arm(*slot, kStopDeadline);
  }
  check_stopped();
}

void ProcessPath::check_stopped() {
  if (!stopped_) return;
  const bool all_dead = std::all_of(slots_.begin(), slots_.end(), [](const auto& slot) {
    return slot->state == WorkerState::Dead;
  });
  if (!all_dead) return;
  asio::post(loop_, std::exchange(stopped_, [] {}));
}

std::string ProcessPath::degraded() const {
  const auto dying = std::count_if(slots_.begin(), slots_.end(), [](const auto& slot) {
    return slot->young_deaths >= kWorthTelling;
  });
  std::string text;
  if (dying > 0)
    text = std::to_string(dying) + " of " + std::to_string(slots_.size()) +
           " workers keep dying as they start; the last time " + young_death_;
  if (zygote_failures_ >= kWorthTelling)
    text += (text.empty() ? "" : "; ") + std::string("the zygote was lost ") +
            std::to_string(zygote_failures_) + " times before a worker of it was ready";
  if (!text.empty()) text += "; threads and inline jobs are not concerned";
  return text;
}

std::uint32_t ProcessPath::zygote_pid() const {
  return zygote_ ? static_cast<std::uint32_t>(zygote_->pid()) : 0;
}

ProcessPath::Slot* ProcessPath::find(std::uint64_t serial) {
  for (const auto& slot : slots_)
    if (slot->worker.serial == serial && slot->state != WorkerState::Dead)
      return slot.get();
  return nullptr;
}

ProcessPath::Slot* ProcessPath::find_by_successor(std::uint64_t serial) {
  for (const auto& slot : slots_)
    if (slot->successor && slot->successor->serial == serial) return slot.get();
  return nullptr;
}

// --- the worker table: one place changes a state and carries out what it says ---

void ProcessPath::apply(Slot& slot, WorkerEvent event) {
  const Transition to = exec::on_event(slot.state, event);
  if (to.action == WorkerAction::Reject) {
    log_("worker " + std::to_string(slot.number) + ": " + std::string(name_of(event)) +
         " is impossible in state " + std::string(name_of(slot.state)));
    return;
  }
  slot.state = to.next;
  switch (to.action) {
    case WorkerAction::None:
    case WorkerAction::Reject: break;
    case WorkerAction::Offer: events_.on_ready(slot.number); break;
    case WorkerAction::AskToStop:
      slot.worker.signal(SIGTERM);
      arm(slot, kStopDeadline);
      break;
    case WorkerAction::Kill:
      slot.worker.signal(SIGKILL);
      arm(slot, kEndGrace);
      break;
    case WorkerAction::Recover: fork_later(slot); break;
    case WorkerAction::Retire: check_stopped(); break;
  }
}

std::optional<Error> ProcessPath::unknown(const Slot& slot) {
  const auto pid = static_cast<std::uint32_t>(slot.worker.pid);
  return unknown_death(slot.number, pid, pid == 0 ? '\0' : account::process_state(pid));
}

void ProcessPath::arm(Slot& slot, milliseconds after) {
  const std::uint64_t round = ++slot.timer_round;
  slot.timer.expires_after(after);
  slot.timer.async_wait([this, &slot, round](asio::error_code error) {
    if (error || slot.timer_round != round) return;
    if (slot.worker.link_closed) {
      // A kernel may have closed the link of a worker that lives on.
      auto cause = slot.killed_for ? slot.killed_for : unknown(slot);
      slot.worker.signal(SIGKILL);
      slot.ended_by = model::StopMeans::Sigkill;
      return lose(slot, *std::move(cause), true);
    }
    if (slot.state == WorkerState::Killing && slot.worker.pidfd) {
      // A device holds it. It ends when that lets go; its chunk need not wait.
      log_("worker " + std::to_string(slot.number) + " (pid " +
           std::to_string(slot.worker.pid) +
           ") does not end by SIGKILL; leaving it behind");
      slot.ended_by = model::StopMeans::LeftBehind;
      return lose(slot, slot.killed_for ? *slot.killed_for : *unknown(slot), true);
    }
    // Without a pidfd the zygote has not even answered: it is stopped or stuck, and
    // only its end, which ends all of its workers, helps.
    if (!slot.worker.pidfd && zygote_) zygote_->kill();
    apply(slot, WorkerEvent::Timeout);
  });
}

// --- working ---

void ProcessPath::on_worker_message(std::uint64_t serial, ipc::WorkerMessage message) {
  Slot* const heir = find_by_successor(serial);
  Slot* const slot = heir != nullptr ? heir : find(serial);
  if (slot == nullptr) return;
  if (auto* hello = std::get_if<ipc::WorkerReady>(&message))
    return ready(*slot, heir != nullptr ? *slot->successor : slot->worker, *hello);
  if (heir != nullptr) return;  // it was given nothing
  if (auto* all = std::get_if<std::vector<model::ChunkOutcome>>(&message))
    outcomes(*slot, std::move(*all));
}

void ProcessPath::run(std::uint32_t number, std::vector<Assignment> batch) {
  Slot& slot = *slots_[number];
  ChunkPage& page = *slot.worker.page.get();
  slot.batch.begin(page, keys_of(batch));
  slot.in_hand.assign(slot.batch.chunks().begin(), slot.batch.chunks().end());
  for (Assignment& one : batch) give_images(slot, one);
  slot.watch.begin(WorkMoment::of(page), monotonic_ns());
  apply(slot, WorkerEvent::Assigned);
  watch_later();
  if (Result<void> sent = slot.worker.link->assign(std::move(batch)); !sent) {
    // Nothing has left: the chunks fail, the worker is as idle as before.
    slot.worker.images.clear();  // it may be given some of them twice
    std::vector<model::ChunkOutcome> failed;
    for (const model::ChunkKey& key : slot.batch.chunks())
      failed.push_back({key, sent.error(), {}});
    asio::post(loop_, [this, serial = slot.worker.serial,
                       failed = std::move(failed)]() mutable {
      if (Slot* same = find(serial)) outcomes(*same, std::move(failed));
    });
  }
}

// What a worker was not told goes with it: a link that fails is about to close.
void ProcessPath::forget(const std::vector<std::uint64_t>& arrays) {
  for (const auto& slot : slots_) {
    const WorkerProcess& worker = slot->worker;
    if (worker.complete() && worker.link) (void)worker.link->forget(arrays);
  }
}

void ProcessPath::outcomes(Slot& slot, std::vector<model::ChunkOutcome> all) {
  for (model::ChunkOutcome& outcome : all) {
    const auto at = std::find(slot.in_hand.begin(), slot.in_hand.end(), outcome.key);
    if (at == slot.in_hand.end()) continue;  // never asked of this worker
    slot.in_hand.erase(at);
    ++slot.chunks_done;
    if (ends_worker(outcome)) {
      slot.is_leaving = true;
      slot.killed_for = Error(Errc::WorkerLost, "worker_spoilt",
                              "worker " + std::to_string(slot.number) +
                                  " was spoilt by a kernel; replacing it");
    }
    const auto* partial = std::get_if<model::Partial>(&outcome.result);
    slot.worker.age.add(partial != nullptr ? partial->usage : outcome.spent);
    const auto pid = static_cast<std::uint32_t>(slot.worker.pid);
    // The worker is free before the scheduler hears of its last chunk, which may send
    // it the next one at once; so this is the moment for another to take its place.
    if (slot.in_hand.empty()) {
      slot.deaf_timer.cancel();
      if (slot.is_leaving) slot.worker.signal(SIGKILL);  // it outlived its SIGTERM
      if (slot.state == WorkerState::Busy) succeed_if_ready(slot);
      apply(slot, WorkerEvent::Finished);
    }
    events_.on_outcome(slot.number, pid, std::move(outcome));
  }
  recycle_if_due(slot);
  events_.on_turn_end();
}

// Descriptors travel only for images that the worker has not been given.
void ProcessPath::give_images(Slot& slot, Assignment& assignment) {
  for (std::size_t i = 0; i < assignment.images.size(); ++i) {
    model::TaskImage& image = assignment.task.images[i];
    if (!slot.worker.images.insert(image.hash).second) continue;
    image.descriptor = static_cast<std::uint32_t>(assignment.descriptors.size() +
                                                  assignment.extra.size());
    assignment.extra.push_back(assignment.images[i]);
  }
}

std::uint64_t ProcessPath::advanced(std::uint32_t number) const {
  const ChunkPage* page = slots_[number]->worker.page.get();
  return page != nullptr ? page->advanced.load(std::memory_order_relaxed) : 0;
}

std::uint32_t ProcessPath::pid(std::uint32_t number) const {
  return static_cast<std::uint32_t>(slots_[number]->worker.pid);
}

ProcessPath::WorkerView ProcessPath::view(std::uint32_t number) {
  Slot& slot = *slots_[number];
  WorkerView view;
  view.state = slot.state;
  if (slot.state != WorkerState::Dead)
    view.pid = static_cast<std::uint32_t>(slot.worker.pid);
  if (const auto running = slot.running()) view.job = running->job;
  view.chunks_done = slot.chunks_done;
  view.restarts = slot.restarts;
  if (slot.works() && !slot.in_hand.empty()) {
    const Nanoseconds now_ns = monotonic_ns();
    slot.watch.look(WorkMoment::of(*slot.worker.page.get()), now_ns);
    view.doing = slot.doing();
    view.still = slot.watch.still(now_ns);
  }
  return view;
}

Activity ProcessPath::activity() const {
  Activity activity;
  for (const auto& slot : slots_) {
    const ChunkPage* page = slot->worker.page.get();
    if (page == nullptr) continue;
    activity.slots.push_back(SlotProgress::of(*page));
    if (!slot->works()) continue;
    ++activity.busy;
    if (activity.in_kernel || activity.slots.back().call == KernelCall::None) continue;
    const char state =
        account::process_state(static_cast<std::uint32_t>(slot->worker.pid));
    activity.in_kernel = state != 'T' && state != 't';
  }
  return activity;
}

// --- dying ---

void ProcessPath::on_link_closed(std::uint64_t serial, Error why) {
  if (Slot* heir = find_by_successor(serial))
    return drop_successor(*heir, why.message());
  Slot* slot = find(serial);
  if (slot == nullptr) return;
  if (why.errc() != Errc::WorkerLost) {  // it lives, and talks nonsense
    log_("worker " + std::to_string(slot->number) + ": " + why.message());
    slot->worker.signal(SIGKILL);
  }
  slot->worker.link_closed = true;
  arm(*slot, kCauseGrace);
}

void ProcessPath::on_death(const ZygoteMessage& death) {
  retired_.erase(death.serial);
  if (Slot* heir = find_by_successor(death.serial))
    return drop_successor(*heir, cause_of(heir->number, death).message());
  Slot* slot = find(death.serial);
  if (slot == nullptr) return;
  const bool denied = options_.zygote.sandbox.seccomp && death.code != CLD_EXITED &&
                      death.status == SIGSYS;
  Error cause = slot->killed_for ? *slot->killed_for
                : denied ? denied_call(slot->number, death, *slot->worker.page.get())
                         : cause_of(slot->number, death);
  // What it was given while it was leaving is not to blame.
  lose(*slot, std::move(cause), !slot->is_leaving);
}

Error ProcessPath::cause_of(std::uint32_t number, const ZygoteMessage& death) {
  const bool killed = death.code == CLD_KILLED && death.status == SIGKILL;
  return death_cause(
      number, death,
      killed ? oom_kills_.at_death(monotonic_ns()) : account::OomKills::Evidence{});
}

// The worker of the slot is no more: report, then let the table say what follows.
void ProcessPath::lose(Slot& slot, Error cause, bool spends_attempt) {
  const bool young = slot.state == WorkerState::Starting;
  const bool wanted =
      slot.state == WorkerState::Stopping || slot.state == WorkerState::Draining;
  if (!wanted) {
    ++slot.restarts;
    log_(cause.message());
  }
  if (young && !wanted) {
    ++slot.young_deaths;
    young_death_ = cause.message();
  }
  ++slot.timer_round;
  slot.timer.cancel();
  slot.deaf_timer.cancel();
  const std::optional<model::ChunkKey> running =
      slot.in_hand.empty() ? std::nullopt : slot.running();
  const std::string wrote =
      running || young ? slot.worker.output.text() : std::string();
  if (!wrote.empty())
    log_("worker " + std::to_string(slot.number) +
         " wrote: " + printable(wrote, kMostLogged));
  KernelPlace place;
  if (running) {
    place = WorkMoment::of(*slot.worker.page.get()).place;
    // A kernel is not to blame for a worker that somebody stopped.
    if (cause.code() == "worker_stalled") place.call = KernelCall::None;
    place.output = wrote;
  }
  slot.in_hand.clear();
  slot.batch.clear();
  slot.worker.link.reset();
  slot.worker.pidfd.reset();
  apply(slot, WorkerEvent::Exited);
  events_.on_gone(slot.number, running, spends_attempt, std::move(cause), place,
                  slot.ended_by);
}

}  // namespace tally::exec

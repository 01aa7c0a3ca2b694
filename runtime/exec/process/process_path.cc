#include "runtime/exec/process/process_path.h"

#include <signal.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <asio/post.hpp>

#include <algorithm>
#include <chrono>
#include <cstring>
#include <deque>
#include <set>
#include <utility>

#include "ipc/base/clock.h"
#include "ipc/base/printable.h"
#include "runtime/account/process_state.h"
#include "runtime/exec/process/build_id.h"
#include "runtime/exec/process/death.h"
#include "runtime/exec/process/ends_worker.h"
#include "runtime/exec/process/work_moment.h"
#include "runtime/exec/process/worker_process.h"

namespace tally::exec {
namespace {

using std::chrono::milliseconds;

constexpr milliseconds kStartDeadline{5000};   // fork to hello
constexpr milliseconds kStopDeadline{1000};    // SIGTERM to SIGKILL
constexpr milliseconds kCauseGrace{1000};      // end-of-file to the zygote's message
constexpr milliseconds kHeedGrace{1000};       // interrupt to SIGTERM
constexpr milliseconds kTermGrace{200};        // that to SIGKILL
constexpr milliseconds kSuccessorRetry{1000};  // after one that did not start
constexpr milliseconds kEndGrace{2000};        // SIGKILL to giving it up
constexpr milliseconds kWatchEvery{1000};  // at most: a short limit needs more looks
constexpr milliseconds kZygoteLook{100};   // at one that does not answer
constexpr milliseconds kFirstBackoff{10};
constexpr std::uint32_t kWorthTelling = 3;  // failures in a row: the pool is degraded
constexpr std::size_t kMostLogged = 2000;   // bytes of a dead worker's output
constexpr milliseconds kLongestBackoff{5000};

// 0, 10 ms, 20 ms, … 5 s: the first failure is retried at once.
milliseconds backoff(std::uint32_t failures) {
  if (failures == 0) return milliseconds(0);
  const auto doubled = kFirstBackoff * (1U << std::min(failures - 1, 16U));
  return std::min(doubled, kLongestBackoff);
}

}  // namespace

struct ProcessPath::Slot {
  Slot(std::uint32_t slot_number, asio::io_context& loop)
      : number(slot_number),
        timer(loop),
        fork_timer(loop),
        deaf_timer(loop),
        successor_timer(loop) {}

  const std::uint32_t number;
  WorkerState state = WorkerState::Dead;
  WorkerProcess worker;                    // that has the slot, or had it last
  std::optional<WorkerProcess> successor;  // that is starting, to take its place
  std::string succeeds_for;                // why: WorkerAge::due

  std::vector<model::ChunkKey> batch;   // as assigned
  std::deque<model::ChunkKey> in_hand;  // of them, not yet answered
  std::uint64_t begun_before = 0;       // page->begun when the batch was assigned

  std::uint64_t chunks_done = 0;
  std::uint64_t restarts = 0;
  std::uint32_t young_deaths = 0;  // in a row, before the hello
  asio::steady_timer timer;        // start, stop or cause deadline
  asio::steady_timer fork_timer;
  asio::steady_timer deaf_timer;  // an interrupt that is not heeded
  asio::steady_timer successor_timer;
  StillWatch watch;                 // of what it has in hand
  std::optional<Error> killed_for;  // why it ends, where we know
  bool is_leaving = false;          // its end comes, and not by what it has in hand
  std::uint64_t timer_round = 0;    // a timer that was set anew is another round

  bool works() const {
    return state == WorkerState::Busy || state == WorkerState::Draining;
  }

  // "chunk 3: reading file 0"; empty: nothing.
  std::string doing() const {
    const std::optional<model::ChunkKey> chunk = running();
    if (!chunk) return "";
    const bool begun =
        worker.page.get()->begun.load(std::memory_order_acquire) > begun_before;
    return "chunk " + std::to_string(chunk->chunk) + ": " +
           (begun ? exec::doing(watch.moment()) : "not begun");
  }

  bool in_kernel() const {
    return !in_hand.empty() &&
           worker.page.get()->call.load(std::memory_order_acquire) != KernelCall::None;
  }

  // What the worker was working on: the last chunk it began. One that died before it
  // began any is charged with the first, or it could do so for ever.
  std::optional<model::ChunkKey> running() const {
    if (in_hand.empty()) return std::nullopt;
    const std::uint64_t begun =
        worker.page.get()->begun.load(std::memory_order_acquire);
    const std::uint64_t count = begun - begun_before;
    if (count == 0 || count > batch.size()) return in_hand.front();
    const model::ChunkKey& last = batch[count - 1];
    const bool open = std::find(in_hand.begin(), in_hand.end(), last) != in_hand.end();
    return open ? std::optional(last) : std::nullopt;
  }
};

struct ProcessPath::Retired {
  Retired(WorkerProcess old, asio::io_context& loop)
      : worker(std::move(old)), timer(loop) {}
  WorkerProcess worker;
  asio::steady_timer timer;
};

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
  return unknown_death(slot.number, pid, account::process_state(pid));
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
      return lose(slot, *std::move(cause), true);
    }
    if (slot.state == WorkerState::Killing && slot.worker.pidfd) {
      // A device holds it. It ends when that lets go; its chunk need not wait.
      log_("worker " + std::to_string(slot.number) + " (pid " +
           std::to_string(slot.worker.pid) +
           ") does not end by SIGKILL; leaving it behind");
      return lose(slot, slot.killed_for ? *slot.killed_for : *unknown(slot), true);
    }
    // Without a pidfd the zygote has not even answered: it is stopped or stuck, and
    // only its end, which ends all of its workers, helps.
    if (!slot.worker.pidfd && zygote_) zygote_->kill();
    apply(slot, WorkerEvent::Timeout);
  });
}

// --- starting ---

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

void ProcessPath::fork(Slot& slot) {
  Result<WorkerProcess> asked = ask_for_worker();
  if (!asked) {
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
  if (!slot.worker.greeted || slot.worker.pid == 0) return;
  ++slot.timer_round;  // in time
  slot.timer.cancel();
  slot.young_deaths = 0;
  zygote_failures_ = 0;
  apply(slot, WorkerEvent::Ready);
}

void ProcessPath::run(std::uint32_t number, std::vector<Assignment> batch) {
  Slot& slot = *slots_[number];
  slot.batch.clear();
  for (const Assignment& one : batch) slot.batch.push_back(one.task.key);
  slot.in_hand.assign(slot.batch.begin(), slot.batch.end());
  ChunkPage& page = *slot.worker.page.get();
  slot.begun_before = page.begun.load(std::memory_order_acquire);
  // An old cancellation may name a job that has a chunk in this batch after all.
  page.cancelled_job.store(0, std::memory_order_relaxed);
  // Progress that is asked for before the worker begins must not be of its last chunk.
  page.advanced.store(0, std::memory_order_relaxed);
  for (Assignment& one : batch) give_images(slot, one);
  slot.watch.begin(WorkMoment::of(page), monotonic_ns());
  apply(slot, WorkerEvent::Assigned);
  watch_later();
  if (Result<void> sent = slot.worker.link->assign(std::move(batch)); !sent) {
    // Nothing has left: the chunks fail, the worker is as idle as before.
    slot.worker.images.clear();  // it may be given some of them twice
    std::vector<model::ChunkOutcome> failed;
    for (const model::ChunkKey& key : slot.batch)
      failed.push_back({key, sent.error(), {}});
    asio::post(loop_, [this, serial = slot.worker.serial,
                       failed = std::move(failed)]() mutable {
      if (Slot* same = find(serial)) outcomes(*same, std::move(failed));
    });
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
        if (slot.in_hand.front().job != job || !slot.works()) return;
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

// --- recycling: the successor is ready before the old worker stops ---

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

// Precondition: nothing is in hand, or the last of it was just answered.
void ProcessPath::succeed_if_ready(Slot& slot) {
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
    const auto at = retired_.find(serial);
    if (!error && at != retired_.end()) at->second->worker.signal(SIGKILL);
  });
  retired_[serial] = std::move(retired);
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
  if (!slot.in_hand.empty()) view.job = slot.in_hand.front().job;
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
  // What it was given while it was leaving is not to blame.
  lose(*slot, slot->killed_for ? *slot->killed_for : cause_of(slot->number, death),
       !slot->is_leaving);
}

Error ProcessPath::cause_of(std::uint32_t number, const ZygoteMessage& death) {
  const bool killed = death.code == CLD_KILLED && death.status == SIGKILL;
  return death_cause(number, death,
                     killed ? oom_kills_.at_death() : account::OomKills::Evidence{});
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
  KernelPlace place;
  if (running) {
    place = WorkMoment::of(*slot.worker.page.get()).place;
    // A kernel is not to blame for a worker that somebody stopped.
    if (cause.code() == "worker_stalled") place.call = KernelCall::None;
    place.output = slot.worker.output.text();
    if (!place.output.empty())
      log_("worker " + std::to_string(slot.number) +
           " wrote: " + printable(place.output, kMostLogged));
  }
  slot.in_hand.clear();
  slot.batch.clear();
  slot.worker.link.reset();
  slot.worker.pidfd.reset();
  apply(slot, WorkerEvent::Exited);
  events_.on_gone(slot.number, running, spends_attempt, std::move(cause), place);
}

}  // namespace tally::exec

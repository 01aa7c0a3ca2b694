#include "runtime/engine.h"

#include <unistd.h>

#include <asio/post.hpp>

#include <algorithm>
#include <chrono>
#include <random>
#include <utility>

#include "runtime/job/planning.h"
#include "runtime/plan/planner.h"

namespace tally {
namespace {

constexpr std::uint32_t kHelperThreads = 8;
constexpr std::uint32_t kGaugeThreads = 1;
constexpr std::uint32_t kMostEndingsASecond = 100;  // in the log

std::uint32_t workers_of(const EngineOptions& options) {
  return options.workers != 0 ? options.workers : options.cores.count;
}

// Who configures more workers than cores wants them used.
std::uint32_t budget_of(const EngineOptions& options) {
  return std::max(options.cores.count, workers_of(options));
}

std::uint64_t random_tag() {
  std::random_device device;
  return (std::uint64_t{device()} << 32) | device();
}

}  // namespace

class Engine::LaneEvents : public exec::PathEvents {
 public:
  LaneEvents(Engine& engine, sched::Lane lane) : engine_(engine), lane_(lane) {}

  void on_ready(std::uint32_t slot) override {
    engine_.feed({sched::SlotReady{{lane_, slot}}, std::nullopt, 0, 0});
  }
  void on_outcome(std::uint32_t slot, std::uint32_t pid,
                  model::ChunkOutcome outcome) override {
    engine_.outcome({lane_, slot}, std::move(outcome), pid, monotonic_ns());
  }
  void on_turn_end() override { engine_.options_.turn_ended(); }
  void on_gone(std::uint32_t slot, std::optional<model::ChunkKey> running,
               bool spends_attempt, Error cause, const exec::KernelPlace& place,
               model::StopMeans ended_by) override {
    engine_.lost({lane_, slot}, running);
    std::uint64_t leaves = 1;
    if (running) {
      leaves = engine_.divisible_leaves(*running, place, cause);
      cause = engine_.told(std::move(cause), *running, place);
    }
    const bool stalled = cause.code() == "kernel_stalled";
    engine_.feed(
        {sched::SlotGone{
             {lane_, slot}, running, spends_attempt, std::move(cause), stalled, leaves},
         std::nullopt, 0, 0});
    engine_.gone({lane_, slot}, ended_by);
  }

 private:
  Engine& engine_;
  const sched::Lane lane_;
};

Engine::Engine(asio::io_context& loop, EngineOptions options)
    : loop_(loop),
      options_(std::move(options)),
      sandbox_(exec::plan_sandbox(options_.sandbox)),
      tag_(random_tag()),
      pid_(static_cast<std::uint32_t>(::getpid())),
      started_ns_(monotonic_ns()),
      scheduler_({options_.attempts, 32, budget_of(options_), options_.retries_per_job,
                  static_cast<Nanoseconds>(options_.chunk_timeout.count())}),
      finished_(options_.finished_jobs, options_.finished_age_ns),
      unclaimed_(options_.finished_jobs, options_.attached_grace_ns),
      ledger_(std::make_shared<job::Ledger>(options_.limits)),
      room_(std::make_shared<job::DescriptorRoom>(loop, ledger_)),
      thread_events_(std::make_unique<LaneEvents>(*this, sched::Lane::Thread)),
      process_events_(std::make_unique<LaneEvents>(*this, sched::Lane::Process)),
      deadline_timer_(loop),
      progress_timer_(loop),
      trim_timer_(loop),
      arrays_(options_.kept_array_bytes),
      arrays_timer_(loop),
      endings_(loop, kMostEndingsASecond, options_.log),
      gauges_("tally-gauge", kGaugeThreads),
      helpers_("tally-helper", kHelperThreads),
      kernels_(loop, helpers_, options_.kernels,
               [this](const auto& image, std::uint32_t uid) { describe(image, uid); }) {
  exec::ProcessPath::Options pool;
  pool.workers = workers_of(options_);
  pool.kernel_stall = options_.kernel_stall;
  pool.worker_stall = options_.worker_stall;
  pool.age.chunks = options_.recycle_chunks;
  pool.age.growth_bytes = options_.recycle_growth_bytes;
  pool.zygote = options_.zygote;
  if (sandbox_) pool.zygote.sandbox = *sandbox_;
  threads_ =
      std::make_unique<exec::ThreadPath>(loop_, options_.threads, *thread_events_);
  processes_ = std::make_unique<exec::ProcessPath>(loop_, std::move(pool),
                                                   *process_events_, options_.log);
}

Engine::~Engine() {
  *alive_ = false;
  // Threads in the middle of a chunk of a job that nobody ended.
  for (const auto& [slot, hand] : hands_)
    if (slot.lane == sched::Lane::Thread)
      for (const std::uint64_t number : hand) threads_->interrupt(slot.number, number);
}

Result<void> Engine::start() {
  if (!sandbox_) return sandbox_.error();
  if (Result<void> installed = kernels_.install(); !installed) return installed;
  threads_->start();
  return processes_->start();
}

exec::ExecutionPath& Engine::path(sched::Lane lane) {
  if (lane == sched::Lane::Thread) return *threads_;
  return *processes_;
}

job::Job* Engine::find(std::uint64_t number) const {
  const auto found = jobs_.find(number);
  return found == jobs_.end() ? nullptr : found->second.get();
}

// --- the scheduler's events and actions ---

void Engine::feed(PendingEvent event) {
  if (event.now_ns == 0) event.now_ns = monotonic_ns();  // now, not when its turn comes
  if (feeding_) return events_.push_back(std::move(event));  // the loop comes to it
  feeding_ = true;
  handle(event);
  for (std::size_t next = 0; next < events_.size(); ++next) {
    PendingEvent cause = std::move(events_[next]);  // there may be more meanwhile
    handle(cause);
  }
  events_.clear();
  feeding_ = false;
  arm_deadline();
}

void Engine::handle(PendingEvent& cause) {
  // What came first may be told last; the scheduler's time does not go back.
  now_ns_ = cause.now_ns = std::max(now_ns_, cause.now_ns);
  actions_.clear();
  scheduler_.handle(cause.event, cause.now_ns, actions_);
  perform(actions_, cause);
}

void Engine::perform(const std::vector<sched::Action>& actions, PendingEvent& cause) {
  for (std::size_t i = 0; i < actions.size(); ++i) {
    const sched::Action& action = actions[i];
    if (const auto* first = std::get_if<sched::Dispatch>(&action)) {
      std::size_t count = 1;
      while (i + count < actions.size()) {
        const auto* next = std::get_if<sched::Dispatch>(&actions[i + count]);
        if (next == nullptr || next->slot != first->slot) break;
        ++count;
      }
      dispatch(&action, count, cause.now_ns);
      i += count - 1;
    } else if (const auto* interrupt = std::get_if<sched::Interrupt>(&action)) {
      path(interrupt->slot.lane).interrupt(interrupt->slot.number, interrupt->job);
    } else if (const auto* accepted = std::get_if<sched::Accept>(&action)) {
      accept(accepted->key, cause);
    } else if (const auto* missing = std::get_if<sched::Missing>(&action)) {
      leave_out(*missing);
    } else if (const auto* retried = std::get_if<sched::Retried>(&action)) {
      if (job::Job* job = find(retried->key.job)) {
        ++job->retries;
        if (!is_canary(retried->key.job)) ++totals_.chunks_retried;
        options_.log("job " + short_name(job->id) + ": chunk " +
                     std::to_string(retried->key.chunk) + " was lost and runs again");
      }
    } else if (const auto* finished = std::get_if<sched::Finish>(&action)) {
      finish(*finished);
    } else if (const auto* done = std::get_if<sched::RoundDone>(&action)) {
      round_done(done->job);
    }
  }
}

void Engine::dispatch(const sched::Action* first, std::size_t count, Nanoseconds now) {
  const sched::SlotId slot = std::get<sched::Dispatch>(*first).slot;
  std::vector<exec::Assignment> batch;
  if (slot.lane != sched::Lane::Inline) batch.reserve(count);
  for (std::size_t i = 0; i < count; ++i) {
    const model::ChunkKey& key = std::get<sched::Dispatch>(first[i]).key;
    if (slot.lane != sched::Lane::Inline) hands_[slot].push_back(key.job);
    if (const auto image = described_.find(key.job); image != described_.end()) {
      batch.push_back(description(*image->second.image, key));
      limit_description(key.job);
      continue;
    }
    job::Job& job = *find(key.job);
    job.dispatched(now);
    if (reads_input(job, key))
      job.give_out(key.chunk, std::get<sched::Dispatch>(first[i]).part);
    if (job.recorder)
      job.recorder->dispatched(
          key, slot.number,
          slot.lane == sched::Lane::Inline ? pid_ : path(slot.lane).pid(slot.number),
          now);
    if (slot.lane == sched::Lane::Inline) {
      run_inline(job, key, now);
      continue;
    }
    batch.push_back(assignment(job, key));
  }
  if (!batch.empty()) path(slot.lane).run(slot.number, std::move(batch));
}

exec::Assignment Engine::assignment(job::Job& job, const model::ChunkKey& key) {
  exec::Assignment made;
  // Not before it runs: any number of jobs may wait. A kernel that finds none is told.
  if (Result<void> region = job.make_sync_region(); !region)
    options_.log(region.error().message());
  if (reads_input(job, key)) {
    made.task = job.task(key, made.descriptors);
    made.files = job.files;
    if (job.windowed) job.windowed->chunk_files->place(key.chunk, made);
    if (auto* files = std::get_if<model::FilePieces>(&made.task.piece)) {
      files->kept_array = job.kept_arrays[0];
      for (model::FilePiece& piece : files->pieces)
        if (piece.partner) piece.partner->kept_array = job.kept_arrays[1];
    }
  } else {
    made.task = job.merge_task(key);
    made.extra.push_back(job.merge_input());
  }
  made.task.kernel_memory_bytes = options_.kernel_memory_bytes;
  if (job.sync_region()) {
    made.task.sync_descriptor =
        static_cast<std::uint32_t>(made.descriptors.size() + made.extra.size());
    made.extra.push_back(job.sync_region());
  }
  for (const auto& image : job.images) {
    made.task.images.push_back({image->hash, image->name, std::nullopt});
    made.images.push_back(image->content);
  }
  return made;
}

// A few microseconds of work without I/O, so its CPU time is its run time.
void Engine::run_inline(const job::Job& job, const model::ChunkKey& key,
                        Nanoseconds now_ns) {
  std::vector<std::uint32_t> no_descriptors;
  model::ChunkOutcome done = inline_runner_.run(job.task(key, no_descriptors), {});
  const Nanoseconds ended_ns = monotonic_ns();
  if (auto* partial = std::get_if<model::Partial>(&done.result)) {
    partial->usage.began_ns = now_ns;
    partial->usage.run_ns = ended_ns - now_ns;
    partial->usage.cpu_user_ns = partial->usage.run_ns;
  }
  outcome({sched::Lane::Inline, 0}, std::move(done), pid_, ended_ns);
}

void Engine::outcome(sched::SlotId slot, model::ChunkOutcome done, std::uint32_t pid,
                     Nanoseconds now_ns) {
  PendingEvent event{sched::ChunkDone{slot, done.key}, std::nullopt, pid, now_ns};
  const std::uint64_t number = done.key.job;
  if (slot.lane != sched::Lane::Inline) {
    auto& hand = hands_[slot];
    if (const auto at = std::ranges::find(hand, number); at != hand.end())
      hand.erase(at);
  }
  if (is_canary(number) && slot.lane == sched::Lane::Process)
    ++answered_canaries_[slot.number];
  job::Job* const job = find(number);
  if (auto* error = std::get_if<Error>(&done.result)) {
    if (job != nullptr) job->charge(done.spent, slot.number, pid);
    if (job != nullptr && job->recorder)
      job->recorder->ended(done.key, slot.number,
                           error->errc() == Errc::Cancelled ? model::ChunkEnd::CalledOff
                                                            : model::ChunkEnd::Failed,
                           now_ns);
    event.event = sched::ChunkFailed{slot, done.key, std::move(*error)};
  } else if (described_.contains(done.key.job)) {
    event.partial = std::get<model::Partial>(std::move(done.result));
  } else if (job != nullptr && stopping_.contains(number)) {
    // Done before it heeded that nobody wants it any more.
    job->charge(std::get<model::Partial>(done.result).usage, slot.number, pid);
    if (job->recorder)
      job->recorder->ended(done.key, slot.number, model::ChunkEnd::CalledOff, now_ns);
  } else if (job != nullptr) {
    auto& partial = std::get<model::Partial>(done.result);
    // A merge covers nothing of the input.
    const Result<void> covered =
        reads_input(*job, done.key) ? job->check(partial) : Result<void>();
    if (!covered)
      event.event = sched::ChunkFailed{slot, done.key, covered.error()};
    else
      event.partial = std::move(partial);
  }
  feed(std::move(event));
  if (!stopping_.empty() &&
      std::ranges::find(hands_[slot], number) == hands_[slot].end())
    settled(slot, number, model::StopMeans::Cooperative);
}

void Engine::accept(const model::ChunkKey& key, PendingEvent& cause) {
  if (described_.contains(key.job) && cause.partial) {
    found_in_image_ = std::move(cause.partial->described);
    return;
  }
  job::Job* job = find(key.job);
  if (job == nullptr || !cause.partial) return;
  const sched::SlotNumber slot = std::get<sched::ChunkDone>(cause.event).slot.number;
  const model::ChunkUsage usage = cause.partial->usage;
  const std::uint64_t seen =
      key.round == 0 ? cause.partial->columns.front().counts.seen : 0;
  const Result<void> merged =
      reads_input(*job, key)
          ? job->accept(*std::move(cause.partial), slot, cause.pid, cause.now_ns)
          : job->accept_merge(*std::move(cause.partial), slot, cause.pid);
  if (!merged)
    return feed({sched::CancelRequested{key.job, merged.error()}, std::nullopt, 0, 0});
  if (const std::optional<Error> why = hold_states(*job))
    return feed({sched::CancelRequested{key.job, *why}, std::nullopt, 0, 0});
  if (is_canary(key.job)) return;
  if (!job->is_divided(key.chunk)) ++totals_.chunks;
  totals_.elements += seen;
  totals_.cpu_ns += usage.cpu_user_ns + usage.cpu_system_ns;
}

void Engine::leave_out(const sched::Missing& missing) {
  job::Job* job = find(missing.job);
  if (job == nullptr) return;
  options_.log("job " + short_name(job->id) + ": goes on without a part of chunk " +
               std::to_string(missing.chunk) + ": " + missing.error.message());
  // More than what was in hand, where a division has ended.
  if (job->part_of(missing.chunk)) job->give_out(missing.chunk, missing.leaves);
  job->leave_out(missing.chunk, missing.error, monotonic_ns());
}

// No part of the input is to blame for what befell a kernel between its updates. A
// worker that stood still would do so in each part, for as long.
std::uint64_t Engine::divisible_leaves(const model::ChunkKey& running,
                                       const exec::KernelPlace& place,
                                       const Error& cause) const {
  if (options_.attempts == 1 || cause.code() == "worker_stalled") return 1;
  if (place.call != exec::KernelCall::None && place.call != exec::KernelCall::Update)
    return 1;
  const job::Job* job = find(running.job);
  if (job == nullptr || !job->planned() || !reads_input(*job, running)) return 1;
  return job->plan().divisible_leaves(running.chunk);
}

// What is told of before the scheduler forgets it.
void Engine::lost(sched::SlotId slot, const std::optional<model::ChunkKey>& running) {
  const auto hand = hands_.find(slot);
  if (hand == hands_.end() || hand->second.empty()) return;
  job::Job* const job = find(running ? running->job : hand->second.back());
  if (job == nullptr || !job->recorder) return;
  if (running)
    job->recorder->ended(*running, slot.number, model::ChunkEnd::Lost, monotonic_ns());
  job->recorder->taken_back(slot.number);
}

}  // namespace tally

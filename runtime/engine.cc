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
constexpr std::chrono::milliseconds kProgressEvery{100};
constexpr std::int64_t kRetryAfterMs = 100;

std::uint64_t random_tag() {
  std::random_device device;
  return (std::uint64_t{device()} << 32) | device();
}

sched::Lane lane_of(model::Path path) {
  switch (path) {
    case model::Path::Inline: return sched::Lane::Inline;
    case model::Path::Thread: return sched::Lane::Thread;
    case model::Path::Any:
    case model::Path::Process: break;
  }
  return sched::Lane::Process;
}

Error full(std::string code, const std::string& what, std::uint64_t limit,
           std::uint64_t in_use) {
  return Error(Errc::Overloaded, std::move(code),
               "the daemon holds " + std::to_string(in_use) + " " + what +
                   " and takes at most " + std::to_string(limit) +
                   "; try again a little later")
      .with("limit", static_cast<std::int64_t>(limit))
      .with("in_use", static_cast<std::int64_t>(in_use))
      .with("retry_after_ms", kRetryAfterMs);
}

// Failures of the input are the job's end; others mean that it was never one.
bool fails_the_job(const Error& error) {
  return error.errc() == Errc::InvalidData || error.errc() == Errc::Io ||
         error.errc() == Errc::DeadlineExceeded || error.errc() == Errc::Cancelled;
}

std::chrono::nanoseconds until(Nanoseconds deadline_ns) {
  const Nanoseconds now = monotonic_ns();
  return std::chrono::nanoseconds(deadline_ns > now ? deadline_ns - now : 0);
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
               bool spends_attempt, Error cause,
               const exec::KernelPlace& place) override {
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
      scheduler_({options_.attempts, 32}),
      finished_(options_.finished_jobs, options_.finished_age_ns),
      room_(std::make_shared<job::DescriptorRoom>(loop, options_.most_descriptors)),
      thread_events_(std::make_unique<LaneEvents>(*this, sched::Lane::Thread)),
      process_events_(std::make_unique<LaneEvents>(*this, sched::Lane::Process)),
      deadline_timer_(loop),
      progress_timer_(loop),
      gauges_("tally-gauge", kGaugeThreads),
      helpers_("tally-helper", kHelperThreads),
      kernels_(loop, helpers_, options_.kernels,
               [this](const auto& image) { describe(image); }) {
  exec::ProcessPath::Options pool;
  pool.workers = options_.workers != 0 ? options_.workers : options_.cores.count;
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
  for (const auto& [slot, number] : slot_jobs_)
    if (slot.lane == sched::Lane::Thread) threads_->interrupt(slot.number, number);
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

// --- taking jobs on ---

std::optional<Error> Engine::refusal(const Submission& submission) const {
  if (draining_)
    return Error(Errc::Overloaded, "draining",
                 "the daemon is finishing what it has and takes no new jobs")
        .with("retry_after_ms", kRetryAfterMs);
  const std::uint64_t jobs = jobs_.size() + explaining_;
  if (jobs >= options_.most_jobs)
    return full("too_many_jobs", "jobs", options_.most_jobs, jobs);
  if (request_bytes_held_ + submission.bytes > options_.most_request_bytes)
    return full("too_many_bytes", "bytes of requests", options_.most_request_bytes,
                request_bytes_held_);
  if (!room_->has(submission.fds.size()))
    return full("too_many_descriptors", "descriptors", room_->most(), room_->held());
  if (std::optional<Error> why = window_refusal(submission)) return why;
  const std::string& client_id = submission.spec.client_id;
  if (!client_id.empty() && find_client_id(client_id, submission.uid))
    return Error(Errc::InvalidArgument, "client_id_in_use",
                 "there is a job with the client id '" + client_id + "' already");
  return std::nullopt;
}

plan::PathLimits Engine::limits() const {
  return {processes_->workers(), options_.threads, options_.cores.count};
}

bool Engine::needs_inspection(const model::JobSpec& spec) {
  return !plan::carried_elements(spec.source);
}

model::JobId Engine::submit(Submission submission,
                            std::shared_ptr<job::JobObserver> observer) {
  const model::JobId id{tag_, next_number_++};
  if (submission.spec.trace) submission.bytes += job::ChunkRecorder::kMostBytes;
  if (const std::optional<Error> why = refusal(submission)) {
    ++totals_.jobs_refused;
    observer->refused(*why);
    return id;
  }
  hold(submission.fds.size(), submission.bytes);
  auto job = std::make_unique<job::Job>(id, std::move(submission.spec),
                                        std::move(submission.fds), submission.uid,
                                        submission.received_ns);
  job->keep = submission.keep;
  job->request_bytes = submission.bytes;
  job->wants_progress = submission.wants_progress;
  job->windows = std::move(submission.windows);
  job->observers.push_back(std::move(observer));
  if (job->spec->timeout_ns != 0)
    job->deadline_ns = job->received_ns + job->spec->timeout_ns;
  if (!job->spec->client_id.empty())
    client_ids_[{job->uid, job->spec->client_id}] = id.number;
  job::Job& placed = *jobs_.emplace(id.number, std::move(job)).first->second;
  plan_job(placed);
  return id;
}

void Engine::plan_job(job::Job& job) {
  job.plan_started_ns = monotonic_ns();
  if (!kernels_.concerns(*job.spec)) return plan_with(job, {});
  expire_unplanned(job);
  kernels_.look_up(job.spec->kernels, job.files,
                   [this, number = job.id.number](Result<job::FoundKernels> found) {
                     job::Job* waiting = find(number);
                     if (waiting == nullptr || waiting->planned()) return;
                     if (!found) return planned(*waiting, found.error());
                     plan_with(*waiting, *found);
                   });
}

void Engine::plan_with(job::Job& job, const job::FoundKernels& found) {
  Result<plan::Reduction> reduction =
      plan::plan_reduction(*job.spec, job.files->size(), found.kernels);
  if (!reduction) return refuse(job.id.number, reduction.error());
  Result<plan::PathChoice> choice =
      plan::choose_path(*job.spec, limits(), plan::place_of(*reduction));
  if (!choice) return refuse(job.id.number, choice.error());
  for (const model::KernelTask& kernel : reduction->kernels) {
    const auto& image = found.images.at(kernel.image);
    if (std::find(job.images.begin(), job.images.end(), image) == job.images.end())
      job.images.push_back(image);
  }
  if (needs_inspection(*job.spec))
    return inspect_job(job, *std::move(reduction), *std::move(choice));
  planned(job,
          plan::Plan::make(*job.spec, *std::move(reduction), *std::move(choice), {}));
}

// A job whose input or kernels are being looked at is not the scheduler's yet.
void Engine::expire_unplanned(job::Job& job) {
  const std::uint64_t number = job.id.number;
  if (job.deadline_ns == 0 || inspections_.contains(number)) return;
  auto& timer = inspections_[number];
  timer = std::make_unique<asio::steady_timer>(loop_, until(job.deadline_ns));
  timer->async_wait([this, number, alive = alive_](asio::error_code error) {
    if (error || !*alive) return;
    const job::Job* waiting = find(number);
    if (waiting == nullptr || waiting->planned()) return;
    end_unplanned(number, Error(Errc::DeadlineExceeded, "timeout",
                                "the job's time ran out while its input was "
                                "inspected"));
  });
}

void Engine::inspect_job(job::Job& job, plan::Reduction reduction,
                         plan::PathChoice choice) {
  const std::uint64_t number = job.id.number;
  expire_unplanned(job);
  if (job.windows) return inspect_windows(job, std::move(reduction), std::move(choice));
  helpers_.post([this, number, spec = job.spec, files = job.files, limits = limits(),
                 alive = alive_, reduction = std::move(reduction),
                 choice = std::move(choice)]() mutable {
    auto plan =
        std::make_shared<Result<plan::Plan>>(guarded("inspection", Errc::Internal, [&] {
          return job::plan_with_input({*spec, *files, limits}, std::move(reduction),
                                      std::move(choice));
        }));
    asio::post(loop_, [this, number, alive, plan] {
      if (!*alive) return;
      job::Job* waiting = find(number);
      if (waiting == nullptr || waiting->planned()) return;  // ended meanwhile
      planned(*waiting, std::move(*plan));
    });
  });
}

void Engine::planned(job::Job& job, Result<plan::Plan> plan) {
  inspections_.erase(job.id.number);
  if (!plan) {
    if (fails_the_job(plan.error())) return end_unplanned(job.id.number, plan.error());
    return refuse(job.id.number, plan.error());
  }
  job.set_plan(*std::move(plan), monotonic_ns());
  schedule(job);
}

void Engine::schedule(job::Job& job) {
  for (const auto& observer : job.observers) observer->accepted(job.id);
  sched::JobRequest request;
  request.job = job.id.number;
  request.uid = job.uid;
  request.lane = lane_of(job.plan().choice().path);
  request.chunks = job.plan().chunks();
  request.parallel = job.plan().parallel();
  request.tiny = job.plan().tiny();
  request.more_rounds = job.needs_merge_round();
  request.deadline_ns = job.deadline_ns;
  request.priority = job.spec->priority;
  request.partial = job.spec->on_failure == model::FailurePolicy::Partial;
  request.limits = job.spec->limits;
  if (job.windows) request.released = 0;
  if (job.wants_progress) arm_progress();
  feed({sched::Submitted{request}, std::nullopt, 0, 0});
  open_chunk_files(request.job);
}

// Out of the tables; the number names it no longer.
Engine::JobPtr Engine::take(std::uint64_t number) {
  const auto found = jobs_.find(number);
  JobPtr job = std::move(found->second);
  jobs_.erase(found);
  if (job->windows) job->windows->close();
  if (job->chunk_files) job->chunk_files->stop();
  inspections_.erase(number);
  if (!job->spec->client_id.empty())
    client_ids_.erase({job->uid, job->spec->client_id});
  return job;
}

void Engine::hold(std::uint64_t descriptors, std::uint64_t bytes) {
  room_->hold(descriptors);
  request_bytes_held_ += bytes;
}

void Engine::release(std::uint64_t descriptors, std::uint64_t bytes) {
  room_->give_back(descriptors);
  request_bytes_held_ -= bytes;
}

void Engine::refuse(std::uint64_t number, const Error& why) {
  const JobPtr job = take(number);
  release(job->files->size(), job->request_bytes);
  ++totals_.jobs_refused;
  for (const auto& observer : job->observers) observer->refused(why);
  idle_if_empty();
}

void Engine::end_unplanned(std::uint64_t number, const Error& why) {
  JobPtr job = take(number);
  const Nanoseconds now = monotonic_ns();
  job->planned_ns = now;
  model::JobAnswer answer = job->fail(why, now);
  const Nanoseconds elapsed = now - job->received_ns;
  deliver(std::move(job), std::move(answer), elapsed, now);
}

// --- the scheduler's events and actions ---

void Engine::feed(PendingEvent event) {
  events_.push_back(std::move(event));
  if (feeding_) return;  // the loop below will come to it
  feeding_ = true;
  while (!events_.empty()) {
    PendingEvent cause = std::move(events_.front());
    events_.pop_front();
    actions_.clear();
    scheduler_.handle(cause.event, monotonic_ns(), actions_);
    perform(actions_, cause);
  }
  feeding_ = false;
  arm_deadline();
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
      dispatch(&action, count);
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
        ++totals_.chunks_retried;
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

void Engine::dispatch(const sched::Action* first, std::size_t count) {
  const sched::SlotId slot = std::get<sched::Dispatch>(*first).slot;
  const Nanoseconds now = monotonic_ns();
  std::vector<exec::Assignment> batch;
  if (slot.lane != sched::Lane::Inline) batch.reserve(count);
  for (std::size_t i = 0; i < count; ++i) {
    const model::ChunkKey& key = std::get<sched::Dispatch>(first[i]).key;
    if (const auto image = described_.find(key.job); image != described_.end()) {
      batch.push_back(description(*image->second.image, key));
      limit_description(key.job);
      continue;
    }
    job::Job& job = *find(key.job);
    job.dispatched(now);
    if (key.round == 0)
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
    slot_jobs_[slot] = key.job;
  }
  if (!batch.empty()) path(slot.lane).run(slot.number, std::move(batch));
}

exec::Assignment Engine::assignment(job::Job& job, const model::ChunkKey& key) {
  exec::Assignment made;
  // Not before it runs: any number of jobs may wait. A kernel that finds none is told.
  if (Result<void> region = job.make_sync_region(); !region)
    options_.log(region.error().message());
  if (key.round == 0) {
    made.task =
        job.plan().task(*job.spec, key, job.part_of(key.chunk), made.descriptors);
    made.files = job.files;
    if (job.chunk_files) job.chunk_files->place(key.chunk, made);
  } else {
    made.task = job.merge_task(key);
    made.extra.push_back(job.merge_input);
  }
  made.task.kernel_memory_bytes = options_.kernel_memory_bytes;
  if (job.sync_region) {
    made.task.sync_descriptor =
        static_cast<std::uint32_t>(made.descriptors.size() + made.extra.size());
    made.extra.push_back(job.sync_region);
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
  model::ChunkOutcome done =
      inline_runner_.run(job.plan().task(*job.spec, key, {}, no_descriptors), {});
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
  if (slot.lane != sched::Lane::Inline)
    slot_jobs_.erase(slot);  // set again when the next batch goes there
  job::Job* const job = find(done.key.job);
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
  } else if (job != nullptr) {
    auto& partial = std::get<model::Partial>(done.result);
    // A merge covers nothing of the input.
    const Result<void> covered =
        done.key.round == 0 ? job->check(partial) : Result<void>();
    if (!covered)
      event.event = sched::ChunkFailed{slot, done.key, covered.error()};
    else
      event.partial = std::move(partial);
  }
  feed(std::move(event));
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
      key.round == 0
          ? job->accept(*std::move(cause.partial), slot, cause.pid, cause.now_ns)
          : job->accept_merge(*std::move(cause.partial), slot, cause.pid);
  if (!merged)
    return feed({sched::CancelRequested{key.job, merged.error()}, std::nullopt, 0, 0});
  if (const std::optional<Error> why = hold_states(*job))
    return feed({sched::CancelRequested{key.job, *why}, std::nullopt, 0, 0});
  if (key.round != 0 || !job->is_divided(key.chunk)) ++totals_.chunks;
  totals_.elements += seen;
  totals_.cpu_ns += usage.cpu_user_ns + usage.cpu_system_ns;
}

void Engine::leave_out(const sched::Missing& missing) {
  job::Job* job = find(missing.job);
  if (job == nullptr) return;
  options_.log("job " + short_name(job->id) + ": goes on without a part of chunk " +
               std::to_string(missing.chunk) + ": " + missing.error.message());
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
  if (job == nullptr || !job->planned() || running.round != 0) return 1;
  return job->plan().divisible_leaves(running.chunk);
}

// What is told of before the scheduler forgets it.
void Engine::lost(sched::SlotId slot, const std::optional<model::ChunkKey>& running) {
  const auto worked_on = slot_jobs_.find(slot);
  if (worked_on == slot_jobs_.end()) return;
  job::Job* const job = find(running ? running->job : worked_on->second);
  if (job == nullptr || !job->recorder) return;
  if (running)
    job->recorder->ended(*running, slot.number, model::ChunkEnd::Lost, monotonic_ns());
  job->recorder->taken_back(slot.number);
}

// --- ending jobs ---

void Engine::finish(const sched::Finish& action) {
  if (const auto image = described_.find(action.job); image != described_.end()) {
    const model::ImageHash hash = image->second.image->hash;
    described_.erase(image);
    const auto infos = std::exchange(found_in_image_, {});
    if (action.error) return kernels_.described(hash, *action.error);
    if (infos.size() == 1) return kernels_.described(hash, infos.front());
    return kernels_.described(
        hash, Error(Errc::Internal, "bad_description",
                    "a worker that was asked what is in one image told of " +
                        std::to_string(infos.size())));
  }
  if (find(action.job) == nullptr) return;
  JobPtr job = take(action.job);
  job->close_sync_region();
  const auto answered = [&]() -> Result<model::JobAnswer> {
    if (action.error) return job->fail(*action.error, monotonic_ns());
    return guarded("finish", Errc::Internal,
                   [&] { return job->finish(monotonic_ns()); });
  };
  Result<model::JobAnswer> made = answered();
  model::JobAnswer answer =
      made ? *std::move(made) : job->fail(made.error(), monotonic_ns());
  const Nanoseconds now = monotonic_ns();
  const Nanoseconds elapsed = now - job->received_ns;
  if (job->spec->measure_pss && answer.path == model::Path::Process)
    return finish_with_pss(std::move(job), std::move(answer), elapsed);
  deliver(std::move(job), std::move(answer), elapsed, now);
}

// The sampling is not part of the job's time.
void Engine::finish_with_pss(JobPtr job, model::JobAnswer answer,
                             Nanoseconds elapsed_ns) {
  std::vector<std::uint32_t> pids;
  for (std::uint32_t slot = 0; slot < processes_->workers(); ++slot)
    if (const std::uint32_t pid = processes_->view(slot).pid; pid != 0)
      pids.push_back(pid);
  auto held = std::make_shared<std::pair<JobPtr, model::JobAnswer>>(std::move(job),
                                                                    std::move(answer));
  ++delivering_;
  gauges_.post([this, held, pids = std::move(pids), elapsed_ns, alive = alive_] {
    std::uint64_t total = 0;
    bool all_known = true;
    for (const std::uint32_t pid : pids) {
      const auto memory = account::process_memory(pid);
      all_known = all_known && memory;
      if (memory) total += memory->pss_bytes;
    }
    if (all_known) held->second.memory.workers_pss_bytes = total;
    asio::post(loop_, [this, held, elapsed_ns, alive] {
      if (!*alive) return;
      --delivering_;
      deliver(std::move(held->first), std::move(held->second), elapsed_ns,
              monotonic_ns());
    });
  });
}

void Engine::deliver(JobPtr job, model::JobAnswer answer, Nanoseconds elapsed_ns,
                     Nanoseconds now_ns) {
  gauge_.refresh_if_old(now_ns);
  answer.memory.daemon_rss_bytes = gauge_.own_rss_bytes();
  answer.memory.system_used_percent = gauge_.system_used_percent();
  answer.daemon_kind = options_.kind;
  answer.daemon_pid = pid_;
  if (answer.error)
    options_.log("job " + short_name(job->id) + " of uid " + std::to_string(job->uid) +
                 " ended " + std::string(name_of(answer.state)) + ": " +
                 answer.error->message());
  else if (answer.state == model::JobState::Partial)
    options_.log("job " + short_name(job->id) + " of uid " + std::to_string(job->uid) +
                 " ended partial: " + std::to_string(answer.missing.size()) +
                 " parts of its input are missing");
  else if (log_jobs_)
    options_.log("job " + short_name(job->id) + " of uid " + std::to_string(job->uid) +
                 " done on the " + std::string(name_of(answer.path)) + " path in " +
                 std::to_string(elapsed_ns / 1000) + " us");
  release(job->files->size(), job->request_bytes);
  count_end(answer.state);
  const auto ended = std::make_shared<const job::EndedJob>(
      job::EndedJob{std::move(answer), job->uid, job->spec->client_id,
                    job->request_bytes, elapsed_ns, now_ns, job->labels()});
  if (job->keep) finished_.add(ended);
  for (const auto& observer : job->observers) observer->ended(ended);
  idle_if_empty();
}

void Engine::count_end(model::JobState state) {
  ++finished_count_;
  switch (state) {
    case model::JobState::Done:
    case model::JobState::Partial: ++totals_.jobs_done; break;
    case model::JobState::Cancelled: ++totals_.jobs_cancelled; break;
    case model::JobState::Expired: ++totals_.jobs_expired; break;
    default: ++totals_.jobs_failed;
  }
}

bool Engine::cancel(std::uint64_t number, const Error& reason) {
  const job::Job* job = find(number);
  if (job == nullptr) return false;
  if (!job->planned())
    end_unplanned(number, reason);
  else
    feed({sched::CancelRequested{number, reason}, std::nullopt, 0, 0});
  return true;
}

void Engine::idle_if_empty() {
  if (draining_ && jobs_.empty() && delivering_ == 0 && explaining_ == 0 && idle_)
    asio::post(loop_, std::exchange(idle_, {}));
}

void Engine::drain(std::function<void()> idle) {
  draining_ = true;
  idle_ = std::move(idle);
  idle_if_empty();
}

void Engine::stop(std::function<void()> stopped) {
  draining_ = true;
  std::vector<std::uint64_t> left;
  for (const auto& [number, job] : jobs_) left.push_back(number);
  for (const std::uint64_t number : left)
    cancel(number, Error(Errc::Cancelled, "daemon_stopped",
                         "the daemon stopped before the job had ended"));
  processes_->stop(std::move(stopped));
}

// --- timers ---

void Engine::arm_deadline() {
  const std::optional<Nanoseconds> next = scheduler_.next_deadline_ns();
  if (next == armed_deadline_ns_) return;
  armed_deadline_ns_ = next;
  if (!next) {
    deadline_timer_.cancel();
    return;
  }
  deadline_timer_.expires_after(until(*next));
  deadline_timer_.async_wait([this, alive = alive_](asio::error_code error) {
    if (error || !*alive) return;
    armed_deadline_ns_.reset();
    feed({sched::TimePassed{monotonic_ns()}, std::nullopt, 0, 0});
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
  for (const auto& [slot, number] : slot_jobs_)
    if (jobs_.contains(number))
      in_hand[number] += path(slot.lane).advanced(slot.number);
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

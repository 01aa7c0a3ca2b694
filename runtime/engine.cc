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
// For a worker to load an image and say what is in it.
constexpr std::chrono::milliseconds kDescribeDeadline{10'000};

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

model::JobSummary summary_of(const job::EndedJob& ended, Nanoseconds now_ns) {
  const model::JobAnswer& answer = ended.answer;
  model::JobSummary summary;
  summary.id = answer.id;
  summary.state = answer.state;
  summary.uid = ended.uid;
  summary.reducers = ended.labels;
  summary.path = answer.path;
  summary.chunks = answer.chunks;
  for (const model::WorkerUsage& usage : answer.worker_usage)
    summary.chunks_done += usage.chunks;
  summary.age_ns = now_ns - ended.ended_ns + ended.elapsed_ns;
  return summary;
}

}  // namespace

class Engine::LaneEvents : public exec::PathEvents {
 public:
  LaneEvents(Engine& engine, sched::Lane lane) : engine_(engine), lane_(lane) {}

  void on_ready(std::uint32_t slot) override {
    engine_.feed({sched::SlotReady{{lane_, slot}}, std::nullopt, 0, 0});
  }
  void on_outcome(std::uint32_t slot, model::ChunkOutcome outcome) override {
    engine_.outcome({lane_, slot}, std::move(outcome), engine_.path(lane_).pid(slot),
                    monotonic_ns());
  }
  void on_turn_end() override { engine_.options_.turn_ended(); }
  void on_gone(std::uint32_t slot, std::optional<model::ChunkKey> running,
               bool spends_attempt, Error cause,
               const exec::KernelPlace& place) override {
    engine_.lost({lane_, slot}, running);
    if (running) cause = engine_.told(std::move(cause), *running, place);
    const bool stalled = cause.code() == "kernel_stalled";
    engine_.feed(
        {sched::SlotGone{
             {lane_, slot}, running, spends_attempt, std::move(cause), stalled},
         std::nullopt, 0, 0});
  }

 private:
  Engine& engine_;
  const sched::Lane lane_;
};

Engine::Engine(asio::io_context& loop, EngineOptions options)
    : loop_(loop),
      options_(std::move(options)),
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
  pool.zygote = options_.zygote;
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
  if (Result<void> made = job.make_sync_region(); !made)
    return end_unplanned(job.id.number, made.error());
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
    scheduler_.handle(cause.event, actions_);
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

exec::Assignment Engine::assignment(job::Job& job, const model::ChunkKey& key) const {
  exec::Assignment made;
  if (key.round == 0) {
    made.task = job.plan().task(*job.spec, key, made.descriptors);
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

// --- kernels ---

void Engine::describe(std::shared_ptr<const job::KernelImage> image) {
  sched::JobRequest request;
  request.job = next_number_++;
  request.lane = sched::Lane::Process;
  request.chunks = 1;
  described_[request.job] = {std::move(image),
                             std::make_unique<asio::steady_timer>(loop_)};
  feed({sched::Submitted{request}, std::nullopt, 0, 0});
}

// From its dispatch on: while it waits for a worker, others are to blame.
void Engine::limit_description(std::uint64_t number) {
  asio::steady_timer& timer = *described_.at(number).timer;
  timer.expires_after(kDescribeDeadline);
  timer.async_wait([this, number, alive = alive_](asio::error_code error) {
    if (error || !*alive) return;
    const auto found = described_.find(number);
    if (found == described_.end()) return;
    const std::string& image = found->second.image->name;
    const auto limit = std::int64_t{kDescribeDeadline.count()};
    feed({sched::CancelRequested{
              number, Error(Errc::WorkerLost, "kernel_stalled",
                            "the kernels of " + image +
                                " went on for too long in load: for more than " +
                                std::to_string(limit) + " ms")
                          .with("image", image)
                          .with("call", "load")
                          .with("limit_ms", limit)},
          std::nullopt, 0, 0});
  });
}

exec::Assignment Engine::description(const job::KernelImage& image,
                                     const model::ChunkKey& key) const {
  exec::Assignment made;
  made.task.key = key;
  made.task.columns.emplace_back();
  made.task.piece = model::DescribePiece{};
  made.task.images.push_back({image.hash, image.name, std::nullopt});
  made.task.kernel_memory_bytes = options_.kernel_memory_bytes;
  made.images.push_back(image.content);
  return made;
}

// The chunks of a job with kernels have all given their states; a worker merges them.
void Engine::round_done(std::uint64_t number) {
  const job::Job* job = find(number);
  if (job == nullptr) return;
  helpers_.post([this, number, states = job->kernel_states(), alive = alive_] {
    auto input = std::make_shared<Result<UniqueFd>>(
        guarded("states", Errc::Internal, [&] { return states->merge_input(); }));
    asio::post(loop_, [this, number, input, alive] {
      if (!*alive) return;
      job::Job* waiting = find(number);
      if (waiting == nullptr) return;  // cancelled meanwhile
      if (!*input)
        return feed(
            {sched::CancelRequested{number, input->error()}, std::nullopt, 0, 0});
      waiting->merge_input = std::make_shared<const UniqueFd>(*std::move(*input));
      feed({sched::NextRound{number, sched::Lane::Process, 1, 1, false}, std::nullopt,
            0, 0});
    });
  });
}

// What a worker had in hand of a kernel when it was lost makes a better story than that
// it was.
Error Engine::told(Error cause, const model::ChunkKey& running,
                   const exec::KernelPlace& place) const {
  if (place.call == exec::KernelCall::None) {
    if (place.output.empty()) return cause;
    return std::move(cause).with("output", place.output);
  }
  if (const auto image = described_.find(running.job); image != described_.end())
    return job::kernel_lost(std::move(cause), place,
                            {"", image->second.image->name, ""});
  const job::Job* job = find(running.job);
  if (job == nullptr || !job->planned()) return cause;
  return job::kernel_lost(std::move(cause), place, job->kernel_names(place));
}

// A few microseconds of work without I/O, so its CPU time is its run time.
void Engine::run_inline(const job::Job& job, const model::ChunkKey& key,
                        Nanoseconds now_ns) {
  std::vector<std::uint32_t> no_descriptors;
  model::ChunkOutcome done =
      inline_runner_.run(job.plan().task(*job.spec, key, no_descriptors), {});
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
  if (key.round == 0 && job->chunk_files) job->chunk_files->done(key.chunk);
  ++totals_.chunks;
  totals_.elements += seen;
  totals_.cpu_ns += usage.cpu_user_ns + usage.cpu_system_ns;
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

// --- asking ---

bool Engine::watch(std::uint64_t number, std::shared_ptr<job::JobObserver> observer) {
  job::Job* job = find(number);
  if (job == nullptr) return false;
  job->observers.push_back(std::move(observer));
  return true;
}

std::shared_ptr<const job::EndedJob> Engine::ended(std::uint64_t number) {
  return finished_.find(number, monotonic_ns());
}

std::optional<std::uint32_t> Engine::owner(std::uint64_t number) const {
  const job::Job* job = find(number);
  if (job == nullptr) return std::nullopt;
  return job->uid;
}

std::optional<std::uint64_t> Engine::find_client_id(const std::string& client_id,
                                                    std::uint32_t uid) const {
  const auto alive = client_ids_.find({uid, client_id});
  if (alive != client_ids_.end()) return alive->second;
  std::optional<std::uint64_t> kept;
  finished_.for_each([&](const job::EndedJob& job) {
    if (job.uid == uid && job.client_id == client_id) kept = job.answer.id.number;
  });
  return kept;
}

std::optional<job::EndedJob> Engine::snapshot(std::uint64_t number) const {
  const job::Job* job = find(number);
  if (job == nullptr) return std::nullopt;
  const Nanoseconds now = monotonic_ns();
  job::EndedJob stands;
  stands.answer = job->snapshot(now, scheduler_.started(number));
  stands.answer.daemon_kind = options_.kind;
  stands.answer.daemon_pid = pid_;
  stands.uid = job->uid;
  stands.elapsed_ns = now - job->received_ns;
  stands.ended_ns = now;
  return stands;
}

std::vector<model::JobSummary> Engine::list() const {
  std::vector<model::JobSummary> jobs;
  const Nanoseconds now = monotonic_ns();
  for (const auto& [number, job] : jobs_)
    jobs.push_back(job->summary(now, scheduler_.started(number)));
  finished_.for_each([&](const job::EndedJob& ended) {
    if (ended.ended_ns + options_.finished_age_ns >= now)
      jobs.push_back(summary_of(ended, now));
  });
  std::sort(jobs.begin(), jobs.end(),
            [](const auto& a, const auto& b) { return a.id.number < b.id.number; });
  return jobs;
}

void Engine::explain(Submission submission, Planned planned) {
  if (const std::optional<Error> why = refusal(submission)) return planned(*why);
  auto held = std::make_shared<Submission>(std::move(submission));
  ++explaining_;
  hold(held->fds.size(), held->bytes);
  auto done = [this, held, planned = std::move(planned)](Result<model::JobPlan> plan) {
    --explaining_;
    release(held->descriptors, held->bytes);
    planned(std::move(plan));
    idle_if_empty();
  };
  held->descriptors = held->fds.size();
  const auto files = std::make_shared<const exec::JobFiles>(std::move(held->fds));
  if (!kernels_.concerns(held->spec)) return explain_with(held, files, {}, done);
  kernels_.look_up(held->spec.kernels, files,
                   [this, held, files, done](Result<job::FoundKernels> found) {
                     if (!found) return done(found.error());
                     explain_with(held, files, *found, done);
                   });
}

void Engine::explain_with(const std::shared_ptr<Submission>& held,
                          std::shared_ptr<const exec::JobFiles> files,
                          const job::FoundKernels& found, Planned planned) {
  Result<plan::Reduction> reduction =
      plan::plan_reduction(held->spec, files->size(), found.kernels);
  if (!reduction) return planned(reduction.error());
  Result<plan::PathChoice> choice =
      plan::choose_path(held->spec, limits(), plan::place_of(*reduction));
  if (!choice) return planned(choice.error());
  if (held->windows)
    return explain_windows(held, std::move(files), *std::move(reduction),
                           *std::move(choice), std::move(planned));
  helpers_.post([this, held, files = std::move(files), limits = limits(),
                 planned = std::move(planned), alive = alive_,
                 reduction = *std::move(reduction),
                 choice = *std::move(choice)]() mutable {
    auto plan = std::make_shared<Result<model::JobPlan>>(
        guarded("inspection", Errc::Internal, [&] {
          return job::explain_plan({held->spec, *files, limits}, std::move(reduction),
                                   std::move(choice));
        }));
    asio::post(loop_, [planned, plan, alive] {
      if (*alive) planned(std::move(*plan));
    });
  });
}

void Engine::list_kernels(std::vector<model::KernelFile> kernels,
                          std::vector<UniqueFd> fds, Listed listed) {
  const auto files = std::make_shared<const exec::JobFiles>(std::move(fds));
  kernels_.look_up(std::move(kernels), files,
                   [listed = std::move(listed)](Result<job::FoundKernels> found) {
                     if (!found) return listed(found.error());
                     std::vector<model::ListedKernel> list;
                     for (const plan::KnownKernel& kernel : found->kernels)
                       list.push_back({kernel.info, kernel.image_name, kernel.image,
                                       kernel.in_process});
                     listed(std::move(list));
                   });
}

void Engine::status(StatusReady ready) {
  status_waiters_.push_back(std::move(ready));
  if (!reading_status_) read_status();
}

model::ServerStatus Engine::known_status() const {
  model::ServerStatus status;
  status.version = TALLY_VERSION;
  status.pid = pid_;
  status.kind = options_.kind;
  status.uptime_ns = monotonic_ns() - started_ns_;
  status.zygote_pid = processes_->zygote_pid();
  status.zygote_restarts = processes_->zygote_restarts();
  for (std::uint32_t slot = 0; slot < processes_->workers(); ++slot) {
    const exec::ProcessPath::WorkerView view = processes_->view(slot);
    model::WorkerStatus worker;
    worker.worker = slot;
    worker.pid = view.pid;
    worker.state = name_of(view.state);
    if (view.job != 0) worker.job = model::JobId{tag_, view.job};
    worker.chunks_done = view.chunks_done;
    worker.restarts = view.restarts;
    status.workers.push_back(std::move(worker));
  }
  status.threads_running = threads_->threads_running();
  status.threads_busy = threads_->busy();
  status.threads_max = threads_->slots();
  status.usable_cores = options_.cores.count;
  status.core_bounds = options_.cores.bounds;
  for (const auto& [number, job] : jobs_)
    ++(scheduler_.started(number) ? status.jobs_running : status.jobs_queued);
  status.jobs_finished = finished_count_;
  status.chunks_waiting = scheduler_.waiting_chunks();
  status.tokens = scheduler_.tokens();
  status.draining = draining_;
  status.totals = totals_;
  return status;
}

void Engine::read_status() {
  reading_status_ = true;
  auto waiters =
      std::make_shared<std::vector<StatusReady>>(std::exchange(status_waiters_, {}));
  auto status = std::make_shared<model::ServerStatus>(known_status());
  gauges_.post([this, status, waiters, alive = alive_] {
    std::uint64_t total = 0;
    bool all_known = true;
    for (model::WorkerStatus& worker : status->workers) {
      if (worker.pid == 0) continue;
      const auto memory = account::process_memory(worker.pid);
      all_known = all_known && memory;
      if (!memory) continue;
      worker.pss_bytes = memory->pss_bytes;
      worker.rss_bytes = memory->rss_bytes;
      total += memory->pss_bytes;
    }
    if (all_known) status->workers_pss_bytes = total;
    status->daemon_rss_bytes = account::own_rss_bytes().value_or(0);
    status->system_used_percent = account::system_used_percent().value_or(0.0);
    asio::post(loop_, [this, status, waiters, alive] {
      if (!*alive) return;
      for (const StatusReady& ready : *waiters) ready(*status);
      reading_status_ = false;
      if (!status_waiters_.empty()) read_status();
    });
  });
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

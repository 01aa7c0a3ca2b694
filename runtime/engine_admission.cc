// Engine: taking jobs on: what is refused, what a job is planned from, how it comes to
// the scheduler.
#include <asio/post.hpp>

#include <algorithm>
#include <chrono>
#include <utility>

#include "ipc/base/guard.h"
#include "runtime/engine.h"
#include "runtime/job/planning.h"
#include "runtime/plan/planner.h"

namespace tally {
namespace {

constexpr std::int64_t kRetryAfterMs = 100;  // of a drain

// A hundred years. Whoever gives a job more gives it for ever; and the end of any
// number of nanoseconds is no point in time that a clock could be set to.
constexpr Nanoseconds kLongestTimeout = 100ULL * 365 * 24 * 3600 * 1'000'000'000;

sched::Lane lane_of(model::Path path) {
  switch (path) {
    case model::Path::Inline: return sched::Lane::Inline;
    case model::Path::Thread: return sched::Lane::Thread;
    case model::Path::Any:
    case model::Path::Process: break;
  }
  return sched::Lane::Process;
}

// Failures of the input are the job's end; others mean that it was never one.
bool fails_the_job(const Error& error) {
  return error.errc() == Errc::InvalidData || error.errc() == Errc::Io ||
         error.errc() == Errc::DeadlineExceeded || error.errc() == Errc::Cancelled;
}

}  // namespace

job::Claim Engine::claim_of(const Submission& submission) {
  job::Claim claim;
  if (submission.canary) return claim;  // of nothing: no limit holds for it
  claim.uid = submission.uid;
  claim.amounts.jobs = 1;
  claim.amounts.descriptors = submission.fds.size();
  claim.amounts.request_bytes = submission.bytes;
  claim.objects = job::memory_objects(submission.fds);
  return claim;
}

std::optional<Error> Engine::refusal(const Submission& submission,
                                     const job::Claim& claim,
                                     Nanoseconds now_ns) const {
  if (submission.canary) return std::nullopt;
  if (draining_)
    return Error(Errc::Overloaded, "draining",
                 "the daemon is finishing what it has and takes no new jobs")
        .with("retry_after_ms", kRetryAfterMs);
  if (std::optional<Error> why = ledger_->refusal(claim, now_ns)) return why;
  return window_refusal(submission);
}

plan::PathLimits Engine::limits() const {
  return {processes_->workers(), options_.threads, options_.cores.count};
}

bool Engine::needs_inspection(const model::JobSpec& spec) {
  return !plan::carried_elements(spec.source);
}

model::JobId Engine::submit(Submission submission,
                            std::shared_ptr<job::JobObserver> observer) {
  std::optional<job::SubmitDigest> digest;
  if (!submission.spec.client_id.empty()) {
    digest = job::digest_of(submission.spec, submission.fds);
    if (const auto known = submit_again(submission, digest, observer)) {
      closer_->close(std::move(submission.fds));
      return *known;
    }
  }
  const model::JobId id{tag_, submission.canary ? next_canary_++ : next_number_++};
  if (submission.spec.trace) submission.bytes += job::ChunkRecorder::kMostBytes;
  job::Claim claim = claim_of(submission);
  const Nanoseconds now = monotonic_ns();
  if (const std::optional<Error> why = refusal(submission, claim, now)) {
    ++totals_.jobs_refused;
    closer_->close(std::move(submission.fds));
    observer->refused(*why);
    return id;
  }
  ledger_->hold(claim, now);
  const job::KeptNumbers kept_arrays = use_arrays(submission, claim, now);
  auto job = std::make_unique<job::Job>(id, std::move(submission.spec),
                                        closer_->hold(std::move(submission.fds)),
                                        submission.uid, submission.received_ns);
  job->keep = submission.keep;
  job->kept_arrays = kept_arrays;
  if (digest) job->digest = std::make_unique<const job::SubmitDigest>(*digest);
  job->claim = std::move(claim);
  job->wants_progress = submission.wants_progress;
  if (submission.windows)
    job->windowed = std::make_unique<job::Job::Windowed>(
        job::Job::Windowed{std::move(submission.windows), {}, {}, {}});
  job->observers.push_back(std::move(observer));
  if (const Nanoseconds timeout = job->spec->timeout_ns;
      timeout != 0 && timeout <= kLongestTimeout)
    job->deadline_ns = job->received_ns + timeout;
  if (!job->spec->client_id.empty())
    client_ids_[{job->uid, job->spec->client_id}] = id.number;
  if (submission.canary) ++canaries_;
  job::Job& placed = *jobs_.emplace(id.number, std::move(job)).first->second;
  placed.plan_started_ns = now;
  plan_job(placed);
  return id;
}

void Engine::plan_job(job::Job& job) {
  if (!kernels_.concerns(*job.spec)) return plan_with(job, {});
  expire_unplanned(job);
  kernels_.look_up(job.spec->kernels, job.files, job.uid,
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
  timer = std::make_unique<asio::steady_timer>(loop_, time_until(job.deadline_ns));
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
  if (job.windowed)
    return inspect_windows(job, std::move(reduction), std::move(choice));
  helpers_.post([this, number, spec = job.spec, files = job.files, limits = limits(),
                 alive = alive_, reduction = std::move(reduction),
                 choice = std::move(choice)]() mutable {
    auto plan =
        std::make_shared<Result<plan::Plan>>(guarded("inspection", Errc::Internal, [&] {
          return job::plan_with_input({*spec, *files, limits}, reduction,
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
  const Nanoseconds now = monotonic_ns();
  if (!is_canary(job.id.number)) {
    const job::Claim planned{
        job.uid, {.chunks = plan->chunks(), .pipes = plan->streams()}, {}};
    if (const auto why = ledger_->refusal(planned, now))
      return refuse(job.id.number, *why);
    hold_more(job, planned.amounts, now);
  }
  job.set_plan(*std::move(plan), now);
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
  // In a batch a canary would wait for others though a worker has it.
  request.tiny = job.plan().tiny() && !is_canary(request.job);
  request.more_rounds = job.needs_merge_round() || job.has_quantiles();
  request.deadline_ns = job.deadline_ns;
  request.priority = job.spec->priority;
  request.partial = job.spec->on_failure == model::FailurePolicy::Partial;
  request.waits = job.plan().choice().waits;
  request.limits = job.spec->limits;
  if (job.windowed) request.released = 0;
  if (job.wants_progress) arm_progress();
  feed({sched::Submitted{request}, std::nullopt, 0, job.planned_ns});
  open_chunk_files(request.job);
  save_memory(request.job);
}

// A plan takes a microsecond to make, and as much memory as all else of a job in line.
void Engine::save_memory(std::uint64_t number) {
  if (jobs_.size() < kManyJobs) return;
  most_jobs_seen_ = std::max(most_jobs_seen_, jobs_.size());
  job::Job* const job = find(number);
  if (job == nullptr || scheduler_.started(number)) return;
  if (job->wants_progress || needs_inspection(*job->spec)) return;
  if (!kernels_.concerns(*job->spec)) job->forget_plan(limits());
}

// Out of the tables; the number names it no longer.
Engine::JobPtr Engine::take(std::uint64_t number) {
  const auto found = jobs_.find(number);
  JobPtr job = std::move(found->second);
  jobs_.erase(found);
  if (is_canary(number)) --canaries_;
  trim_if_few();
  job->stop_windows();
  done_with_arrays(job->kept_arrays);
  inspections_.erase(number);
  if (!job->spec->client_id.empty())
    client_ids_.erase({job->uid, job->spec->client_id});
  return job;
}

void Engine::give_back(const job::Claim& claim, Nanoseconds now_ns) {
  ledger_->give_back(claim, now_ns);
  if (claim.amounts.descriptors != 0) room_->came_back();
}

// Known only once it is planned, or runs.
void Engine::hold_more(job::Job& job, const job::Amounts& more, Nanoseconds now_ns) {
  ledger_->hold({job.uid, more, {}}, now_ns);
  job.claim.amounts.chunks += more.chunks;
  job.claim.amounts.request_bytes += more.request_bytes;
  job.claim.amounts.pipes += more.pipes;
}

void Engine::refuse(std::uint64_t number, const Error& why) {
  const JobPtr job = take(number);
  give_back(job->claim, monotonic_ns());
  ++totals_.jobs_refused;
  for (const auto& observer : job->observers) observer->refused(why);
  idle_if_empty();
}

void Engine::end_unplanned(std::uint64_t number, const Error& why) {
  JobPtr job = take(number);
  const Nanoseconds now = monotonic_ns();
  job->planned_ns = now;
  model::JobAnswer answer = job->fail(why, now);
  if (answer.state == model::JobState::Cancelled ||
      answer.state == model::JobState::Expired)
    answer.stopped = model::Stopped{};
  const Nanoseconds elapsed = now - job->received_ns;
  deliver(std::move(job), std::move(answer), elapsed, now);
}

}  // namespace tally

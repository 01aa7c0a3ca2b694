// Engine: what is asked of it: jobs, plans, its own state.
#include <asio/post.hpp>

#include <algorithm>
#include <utility>

#include "ipc/base/guard.h"
#include "runtime/account/process_state.h"
#include "runtime/engine.h"
#include "runtime/job/planning.h"

namespace tally {
namespace {

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

bool Engine::has_started(std::uint64_t number) const {
  return scheduler_.started(number) || stopping_.contains(number);
}

bool Engine::watch(std::uint64_t number, std::shared_ptr<job::JobObserver> observer) {
  job::Job* job = find(number);
  if (job == nullptr) return false;
  job->observe(std::move(observer));
  return true;
}

std::shared_ptr<const job::EndedJob> Engine::ended(std::uint64_t number) {
  const Nanoseconds now = monotonic_ns();
  auto found = finished_.find(number, now);
  return found ? found : unclaimed_.find(number, now);
}

std::optional<std::uint32_t> Engine::owner(std::uint64_t number) const {
  const job::Job* job = find(number);
  if (job == nullptr) return std::nullopt;
  return job->uid;
}

std::optional<std::uint64_t> Engine::find_client_id(const std::string& client_id,
                                                    std::uint32_t uid) {
  const auto alive = client_ids_.find({uid, client_id});
  if (alive != client_ids_.end()) return alive->second;
  const auto ended = kept(uid, client_id);
  if (ended == nullptr) return std::nullopt;
  return ended->answer.id.number;
}

std::optional<job::EndedJob> Engine::snapshot(std::uint64_t number) const {
  const job::Job* job = find(number);
  if (job == nullptr) return std::nullopt;
  const Nanoseconds now = monotonic_ns();
  job::EndedJob stands;
  stands.answer = job->snapshot(now, has_started(number));
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
    if (!is_canary(number)) jobs.push_back(job->summary(now, has_started(number)));
  finished_.for_each([&](const job::EndedJob& ended) {
    if (ended.ended_ns + options_.finished_age_ns >= now)
      jobs.push_back(summary_of(ended, now));
  });
  std::sort(jobs.begin(), jobs.end(),
            [](const auto& a, const auto& b) { return a.id.number < b.id.number; });
  return jobs;
}

exec::Activity Engine::activity(model::Path path) const {
  switch (path) {
    case model::Path::Thread: return threads_->activity();
    case model::Path::Process: return processes_->activity();
    case model::Path::Any:
    case model::Path::Inline: break;
  }
  return {};
}

void Engine::explain(Submission submission, Planned planned) {
  const job::Claim claim = claim_of(submission);
  if (const std::optional<Error> why = refusal(submission, claim, monotonic_ns())) {
    closer_->close(std::move(submission.fds));
    return planned(*why);
  }
  auto held = std::make_shared<Submission>(std::move(submission));
  ++explaining_;
  ledger_->hold(claim, monotonic_ns());
  auto done = [this, held, claim,
               planned = std::move(planned)](Result<model::JobPlan> plan) {
    --explaining_;
    give_back(claim, monotonic_ns());
    planned(std::move(plan));
    idle_if_empty();
  };
  const auto files = closer_->hold(std::move(held->fds));
  if (!kernels_.concerns(held->spec)) return explain_with(held, files, {}, done);
  kernels_.look_up(held->spec.kernels, files, held->uid,
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
          return job::explain_plan({held->spec, *files, limits}, reduction,
                                   std::move(choice));
        }));
    asio::post(loop_, [planned, plan, alive] {
      if (*alive) planned(std::move(*plan));
    });
  });
}

void Engine::status(StatusReady ready) {
  status_waiters_.push_back(std::move(ready));
  if (!reading_status_) read_status();
}

model::ServerStatus Engine::known_status() {
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
    if (view.job != 0 && !is_canary(view.job))
      worker.job = model::JobId{tag_, view.job};
    const auto canaries = answered_canaries_.find(slot);
    worker.chunks_done = view.chunks_done -
                         (canaries != answered_canaries_.end() ? canaries->second : 0);
    worker.restarts = view.restarts;
    worker.doing = is_canary(view.job) ? "a canary, " + view.doing : view.doing;
    worker.stalled_ns = static_cast<std::uint64_t>(view.still.count());
    status.workers.push_back(std::move(worker));
  }
  status.degraded = processes_->degraded();
  status.threads_running = threads_->threads_running();
  status.threads_busy = threads_->busy();
  status.threads_max = threads_->slots();
  status.usable_cores = options_.cores.count;
  status.core_bounds = options_.cores.bounds;
  std::uint64_t canaries_waiting = 0;
  for (const auto& [number, job] : jobs_) {
    const bool started = has_started(number);
    if (!is_canary(number))
      ++(started ? status.jobs_running : status.jobs_queued);
    else if (!started)
      ++canaries_waiting;
  }
  status.jobs_finished = finished_count_;
  status.chunks_waiting = scheduler_.waiting_chunks() - canaries_waiting;
  status.tokens = scheduler_.tokens();
  status.draining = draining_;
  if (sandbox_) status.sandbox = exec::words_of(*sandbox_);
  status.totals = totals_;
  status.limits = ledger_->uses();
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
      worker.process_state = account::process_state(worker.pid);
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
      for (const StatusReady& ready : *waiters) ready(status);
      reading_status_ = false;
      if (!status_waiters_.empty()) read_status();
    });
  });
}

}  // namespace tally

// Engine: how jobs end, and the engine itself.
#include <asio/post.hpp>

#include <utility>

#include "ipc/base/guard.h"
#include "runtime/engine.h"
#include "runtime/job/loss_place.h"

namespace tally {
namespace {

// Nothing went wrong; and a thousand lines hold others up when a client leaves a
// thousand jobs.
bool left_by_user(const Error& why) {
  return why.code() == "cancelled" || why.code() == "client_gone";
}

// Where in the input the chunk is that went on for too long.
Error placed(const Error& error, const job::Job& job) {
  const auto* chunk = error.field("chunk");
  if (error.code() != "chunk_timeout" || chunk == nullptr) return error;
  const auto index = static_cast<std::uint32_t>(std::get<std::int64_t>(*chunk));
  return job::at_place(error, job.plan(), index, job.part_of(index));
}

// Its client did not come back: if it does after all, it does not find this.
bool given_up(const job::EndedJob& ended) {
  return ended.answer.error && ended.answer.error->code() == "client_gone";
}

// What is large in an answer, and not in the request that it repeats.
std::uint64_t histogram_bytes(const model::JobAnswer& answer) {
  std::uint64_t bytes = 0;
  for (const model::ReducerResult& result : answer.results)
    if (const auto* histogram = std::get_if<model::Histogram>(&result.value))
      bytes += 8 * (histogram->edges.size() + histogram->counts.size());
  return bytes;
}

}  // namespace

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
  job::Job* const job = find(action.job);
  if (job == nullptr || stop_running(*job, action.error)) return;
  end(action.job, action.error);
}

void Engine::end(std::uint64_t number, const std::optional<Error>& why) {
  const std::optional<model::Stopped> stopped = take_stopped(number);
  JobPtr job = take(number);
  job->close_sync_region();
  const auto answered = [&]() -> Result<model::JobAnswer> {
    if (why) return job->fail(placed(*why, *job), monotonic_ns());
    return guarded("finish", Errc::Internal,
                   [&] { return job->finish(monotonic_ns()); });
  };
  Result<model::JobAnswer> made = answered();
  model::JobAnswer answer =
      made ? *std::move(made) : job->fail(made.error(), monotonic_ns());
  answer.stopped = stopped;
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
  give_back(job->claim, now_ns);
  if (!is_canary(job->id.number)) {
    log_end(*job, answer, elapsed_ns);
    count_end(answer.state);
  }
  const std::uint64_t histograms = histogram_bytes(answer);
  const auto ended = std::make_shared<const job::EndedJob>(
      job::EndedJob{std::move(answer), job->uid, job->spec->client_id,
                    job->claim.amounts.request_bytes + histograms, elapsed_ns, now_ns,
                    job->labels(), job->known_digest()});
  if (job->keep)
    finished_.add(ended);
  else if (job->digest && options_.attached_grace_ns > 0 && !given_up(*ended))
    unclaimed_.add(ended);
  for (const auto& observer : job->observers) observer->ended(ended);
  idle_if_empty();
}

void Engine::log_end(const job::Job& job, const model::JobAnswer& answer,
                     Nanoseconds elapsed_ns) {
  const auto who = [&job] {
    return "job " + short_name(job.id) + " of uid " + std::to_string(job.uid);
  };
  // Who asks for every job gets every line.
  const auto log = [this](std::string line) {
    if (log_jobs_) return options_.log(line);
    endings_.log(std::move(line));
  };
  if (answer.error && (log_jobs_ || !left_by_user(*answer.error)))
    log(who() + " ended " + std::string(name_of(answer.state)) + ": " +
        answer.error->message());
  else if (answer.state == model::JobState::Partial)
    log(who() + " ended partial: " + std::to_string(answer.missing.size()) +
        " parts of its input are missing");
  else if (log_jobs_)
    log(who() + " done on the " + std::string(name_of(answer.path)) + " path in " +
        std::to_string(elapsed_ns / 1000) + " us");
}

void Engine::count_end(model::JobState state) {
  ++finished_count_;
  switch (state) {
    case model::JobState::Done: ++totals_.jobs_done; break;
    case model::JobState::Partial: ++totals_.jobs_partial; break;
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
  if (draining_ && jobs() == 0 && delivering_ == 0 && explaining_ == 0 && idle_)
    asio::post(loop_, std::exchange(idle_, {}));
}

void Engine::drain(std::function<void()> idle) {
  draining_ = true;
  idle_ = std::move(idle);
  idle_if_empty();
}

void Engine::stop(std::function<void()> stopped) {
  draining_ = true;
  stopping_all_ = true;
  while (!stopping_.empty())
    end(stopping_.begin()->first, stopping_.begin()->second.why);
  std::vector<std::uint64_t> left;
  for (const auto& [number, job] : jobs_) left.push_back(number);
  for (const std::uint64_t number : left)
    cancel(number, Error(Errc::Cancelled, "daemon_stopped",
                         "the daemon stopped before the job had ended"));
  processes_->stop(std::move(stopped));
}

}  // namespace tally

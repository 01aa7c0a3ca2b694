// Engine: jobs and plans whose files come in windows.
#include <asio/post.hpp>

#include <algorithm>
#include <utility>

#include "ipc/base/guard.h"
#include "runtime/engine.h"
#include "runtime/job/planning.h"

namespace tally {

std::optional<Error> Engine::window_refusal(const Submission& submission) const {
  const auto* source = std::get_if<model::FilesSource>(&submission.spec.source);
  if (source == nullptr || !source->windowed) return std::nullopt;
  if (submission.spec.detached || !submission.windows)
    return Error(Errc::InvalidArgument, "too_many_files",
                 "a detached job brings all of its files along, at most " +
                     std::to_string(job::FileWindows::kMostFiles) +
                     "; a job over more stays with its client")
        .with("limit", std::int64_t{job::FileWindows::kMostFiles});
  if (source->files.empty())
    return Error(Errc::InvalidArgument, "no_files", "a job over no files");
  const std::uint64_t least =
      std::min<std::uint64_t>(source->files.size(), job::FileWindows::kMostFiles);
  const job::Claim with_a_window{
      submission.uid, {.descriptors = submission.fds.size() + least}, {}};
  return ledger_->refusal(with_a_window, monotonic_ns());
}

void Engine::inspect_windows(job::Job& job, plan::Reduction reduction,
                             plan::PathChoice choice) {
  const std::uint64_t number = job.id.number;
  job.windowed->inspecting = std::make_shared<job::WindowedInspection>(
      loop_, helpers_, room_, job.uid, job.windowed->files, job.spec,
      reduction.selectors);
  job.windowed->inspecting->start(
      [this, number, alive = alive_, reduction = std::move(reduction),
       choice =
           std::move(choice)](const job::WindowedInspection::Result& result) mutable {
        job::Job* waiting = *alive ? find(number) : nullptr;
        if (waiting == nullptr || waiting->planned()) return;  // ended meanwhile
        if (!result) return planned(*waiting, result.error());
        waiting->windowed->inspected = *result;
        helpers_.post([this, number, alive, spec = waiting->spec,
                       files = waiting->files, limits = limits(), windows = *result,
                       reduction = std::move(reduction),
                       choice = std::move(choice)]() mutable {
          auto plan = std::make_shared<Result<plan::Plan>>(
              guarded("inspection", Errc::Internal, [&] {
                return job::plan_with_input({*spec, *files, limits, windows.get()},
                                            reduction, std::move(choice));
              }));
          asio::post(loop_, [this, number, alive, plan] {
            job::Job* inspected = *alive ? find(number) : nullptr;
            if (inspected == nullptr || inspected->planned()) return;
            inspected->windowed->inspecting.reset();
            inspected->windowed->inspected->first.clear();
            planned(*inspected, std::move(*plan));
          });
        });
      });
}

// Chunks wait in the scheduler until these have their files.
void Engine::open_chunk_files(std::uint64_t number) {
  job::Job* const job = find(number);
  if (job == nullptr || !job->windowed) return;
  job::ChunkFiles::Events events;
  events.released = [this, number, alive = alive_](std::uint32_t upto) {
    if (*alive) feed({sched::ChunksReleased{number, upto}, std::nullopt, 0, 0});
  };
  events.failed = [this, number, alive = alive_](const Error& why) {
    if (*alive) feed({sched::CancelRequested{number, why}, std::nullopt, 0, 0});
  };
  job::Job::Windowed& windowed = *job->windowed;
  windowed.chunk_files = std::make_shared<job::ChunkFiles>(
      loop_, helpers_, room_, job->uid, windowed.files, job->plan(),
      std::move(windowed.inspected->identities), std::move(events));
  windowed.inspected.reset();
  windowed.chunk_files->start();
}

void Engine::explain_windows(const std::shared_ptr<Submission>& held,
                             std::shared_ptr<const exec::JobFiles> files,
                             plan::Reduction reduction, plan::PathChoice choice,
                             Planned planned) {
  const auto end = [held, planned = std::move(planned),
                    alive = alive_](Result<model::JobPlan> plan) {
    if (!*alive) return;
    held->windows->close();
    planned(std::move(plan));
  };
  // The spec lives as long as the submission.
  const std::shared_ptr<const model::JobSpec> spec(held, &held->spec);
  auto inspection = std::make_shared<job::WindowedInspection>(
      loop_, helpers_, room_, held->uid, held->windows, spec, reduction.selectors);
  inspection->start([this, spec, files = std::move(files), end, inspection,
                     alive = alive_, reduction = std::move(reduction),
                     choice = std::move(choice)](
                        const job::WindowedInspection::Result& result) mutable {
    if (!*alive) return;
    if (!result) return end(result.error());
    helpers_.post([this, spec, files, end, inspection = std::move(inspection),
                   limits = limits(), windows = *result,
                   reduction = std::move(reduction),
                   choice = std::move(choice)]() mutable {
      auto plan = std::make_shared<Result<model::JobPlan>>(
          guarded("inspection", Errc::Internal, [&] {
            return job::explain_plan({*spec, *files, limits, windows.get()}, reduction,
                                     std::move(choice));
          }));
      // What holds room goes on the loop's thread.
      asio::post(loop_, [end = std::move(end), inspection = std::move(inspection),
                         plan]() mutable {
        inspection.reset();
        end(std::move(*plan));
      });
    });
  });
}

}  // namespace tally

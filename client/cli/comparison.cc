#include "client/cli/comparison.h"

#include <algorithm>
#include <optional>
#include <utility>

#include "client/cli/value_text.h"
#include "ipc/base/check.h"

namespace tally::cli {
namespace {

constexpr int kWarmUpRounds = 1;
constexpr int kTimedRounds = 3;
constexpr double kWorthwhile = 0.9;

Way make_way(const model::JobSpec& spec, model::Path path, std::uint32_t workers) {
  Way way;
  way.spec = spec;
  way.spec.path = path;
  way.spec.workers = workers;
  return way;
}

// What ran, not what was asked for: a job of one chunk has nothing to share out.
bool is_parallel(const Way& way) {
  return way.median.answer.workers > 1;
}

}  // namespace

std::vector<Way> plan_ways(const model::JobSpec& spec, std::uint32_t workers) {
  if (!spec.kernels.empty()) {  // which run in worker processes only
    std::vector<Way> ways{make_way(spec, model::Path::Process, 1)};
    if (workers > 1) ways.push_back(make_way(spec, model::Path::Process, workers));
    return ways;
  }
  std::vector<Way> ways{make_way(spec, model::Path::Thread, 1)};
  if (workers > 1) ways.push_back(make_way(spec, model::Path::Thread, workers));
  ways.push_back(make_way(spec, model::Path::Process, workers));
  return ways;
}

FinishedJob median_of(std::vector<FinishedJob> runs) {
  TALLY_CHECK(!runs.empty());
  std::ranges::sort(runs, {}, &FinishedJob::wall_ns);
  return std::move(runs[runs.size() / 2]);
}

void judge(Comparison& comparison) {
  const FinishedJob& one = comparison.ways.front().median;
  comparison.same_bits = true;
  comparison.parallel_helped = false;
  for (const Way& way : comparison.ways) {
    if (!same_bits(one.answer, way.median.answer)) comparison.same_bits = false;
    const bool faster = static_cast<double>(way.median.wall_ns) <=
                        kWorthwhile * static_cast<double>(one.wall_ns);
    if (is_parallel(way) && faster) comparison.parallel_helped = true;
  }
}

Result<Comparison> compare(client::Client& client, std::vector<Way> ways,
                           std::span<const int> files, Interrupt& interrupt,
                           bool show_progress, const client::FileOpener& opener) {
  Comparison comparison;
  std::vector<std::vector<FinishedJob>> runs(ways.size());
  std::vector<std::optional<std::uint64_t>> pss(ways.size());
  for (int round = 0; round < kWarmUpRounds + kTimedRounds; ++round) {
    for (std::size_t at = 0; at < ways.size(); ++at) {
      ProgressBar progress(show_progress);
      // Sampling the workers' memory delays the answer: only where no time is taken.
      model::JobSpec spec = ways[at].spec;
      const bool timed = round >= kWarmUpRounds;
      spec.measure_pss = !timed && spec.path == model::Path::Process;
      Result<FinishedJob> job =
          run_job(client, spec, files, interrupt, progress, opener);
      if (!job) return std::move(job).error();
      if (job->interrupted) {
        comparison.interrupted = true;
        return comparison;
      }
      if (job->answer.error) return *job->answer.error;
      if (timed)
        runs[at].push_back(std::move(*job));
      else
        pss[at] = job->answer.memory.workers_pss_bytes;
    }
  }
  // Every run, not only the medians: one run that differs is what matters.
  bool all_same = true;
  for (const auto& of_way : runs)
    for (const FinishedJob& job : of_way)
      if (!same_bits(job.answer, runs[0][0].answer)) all_same = false;
  for (std::size_t at = 0; at < ways.size(); ++at) {
    ways[at].median = median_of(std::move(runs[at]));
    ways[at].median.answer.memory.workers_pss_bytes = pss[at];
  }
  comparison.ways = std::move(ways);
  judge(comparison);
  comparison.same_bits = all_same;
  return comparison;
}

}  // namespace tally::cli

#include "client/cli/comparison.h"

#include <algorithm>
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
  way.spec.measure_pss = path == model::Path::Process;
  return way;
}

bool is_parallel(const Way& way) {
  return way.spec.workers > 1;
}

}  // namespace

std::vector<Way> plan_ways(const model::JobSpec& spec, std::uint32_t workers) {
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
                           bool show_progress) {
  Comparison comparison;
  std::vector<std::vector<FinishedJob>> runs(ways.size());
  for (int round = 0; round < kWarmUpRounds + kTimedRounds; ++round) {
    for (std::size_t at = 0; at < ways.size(); ++at) {
      ProgressBar progress(show_progress);
      Result<FinishedJob> job =
          run_job(client, ways[at].spec, files, interrupt, progress);
      if (!job) return std::move(job).error();
      if (job->interrupted) {
        comparison.interrupted = true;
        return comparison;
      }
      if (job->answer.error) return *job->answer.error;
      if (round >= kWarmUpRounds) runs[at].push_back(std::move(*job));
    }
  }
  // Every run, not only the medians: one run that differs is what matters.
  bool all_same = true;
  for (const auto& of_way : runs)
    for (const FinishedJob& job : of_way)
      if (!same_bits(job.answer, runs[0][0].answer)) all_same = false;
  for (std::size_t at = 0; at < ways.size(); ++at)
    ways[at].median = median_of(std::move(runs[at]));
  comparison.ways = std::move(ways);
  judge(comparison);
  comparison.same_bits = all_same;
  return comparison;
}

}  // namespace tally::cli

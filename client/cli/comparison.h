// Comparison: the same job with one thread, several threads and several processes.
//
// Each way is run four times: once to warm up, then three times, interleaved, so that
// a machine that changes its pace does so for all of them. The median counts, by this
// program's clock.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "client/cli/interrupt.h"
#include "client/cli/job_runner.h"
#include "client/client.h"
#include "ipc/base/result.h"
#include "ipc/model/job_spec.h"

namespace tally::cli {

struct Way {
  model::JobSpec spec;
  FinishedJob median;  // the run of the median time
};

struct Comparison {
  std::vector<Way> ways;  // one thread first; processes last
  bool same_bits = false;
  bool parallel_helped = false;

  bool interrupted = false;  // by Ctrl-C: nothing else is set
};

// The ways to compare for a pool of `workers`: one thread, `workers` threads and as
// many processes; of a pool of one, one thread and one process. A job with kernels of
// its own: one process and several.
std::vector<Way> plan_ways(const model::JobSpec& spec, std::uint32_t workers);

// The middle one by wall time; `runs` is not empty.
FinishedJob median_of(std::vector<FinishedJob> runs);

// Sets same_bits and parallel_helped from the ways' medians. Parallel helped where the
// fastest way with several workers takes at most 0.9 of the time of one thread: less
// than that is within the noise of a busy machine.
void judge(Comparison& comparison);

// Errors: those of run_job; that of the job, where it did not finish.
Result<Comparison> compare(client::Client& client, std::vector<Way> ways,
                           std::span<const int> files, Interrupt& interrupt,
                           bool show_progress, const client::FileOpener& opener = {});

// The table, whether the bits are the same, and what parallel and processes bought.
std::string text_of_comparison(const Comparison& comparison);
std::string json_of_comparison(const Comparison& comparison);

}  // namespace tally::cli

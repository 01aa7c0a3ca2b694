// run_job: submits a job, waits for its answer, and cancels it on Ctrl-C.
#pragma once

#include <cstdint>
#include <span>

#include "client/cli/interrupt.h"
#include "client/cli/progress_bar.h"
#include "client/client.h"
#include "ipc/base/result.h"
#include "ipc/model/job_answer.h"
#include "ipc/model/job_spec.h"

namespace tally::cli {

// The exit code of a command that Ctrl-C ended.
inline constexpr int kInterruptedExit = 130;

// What such a command says; its exit code is not that of a job cancelled by others.
Error interruption();

struct FinishedJob {
  model::JobAnswer answer;
  std::uint64_t wall_ns = 0;  // from submitting until the answer was here
  bool interrupted = false;   // by Ctrl-C; the answer is how the job ended then
};

// `interrupt` must be watching. A second Ctrl-C ends the waiting for the cancelled job
// with Cancelled "interrupted". A job that failed is an answer, not an Error.
Result<FinishedJob> run_job(client::Client& client, const model::JobSpec& spec,
                            std::span<const int> files, Interrupt& interrupt,
                            ProgressBar& progress, client::FileOpener opener = {});

// The exit code that an answer asks for: 0, or 1 where a reducer has no value, or that
// of the job's error.
int exit_code_of(const model::JobAnswer& answer);

}  // namespace tally::cli

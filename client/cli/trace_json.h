// A job's trace as Chrome's trace events, which Perfetto (ui.perfetto.dev) shows.
#pragma once

#include <cstdint>
#include <string>

#include "ipc/model/job_answer.h"

namespace tally::cli {

// One JSON object. Times are microseconds since the daemon received the job. Process 1
// is the job, its thread 1 the phases, one after another; process 2 is who computed,
// with a thread W + 1 for each worker W and on it an event for each attempt at a chunk.
// What was beyond the bound on records is told in "otherData" and by an event.
// Precondition: answer.trace.
std::string trace_to_json(const model::JobAnswer& answer);

}  // namespace tally::cli

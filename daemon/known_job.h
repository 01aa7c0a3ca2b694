// A small job whose answer is known, to the bit.
#pragma once

#include <string>

#include "ipc/model/job_answer.h"
#include "ipc/model/job_spec.h"

namespace tally::daemon {

model::JobSpec known_job(model::Path path);

// What is wrong with the answer of a known_job() that has not failed; empty: nothing.
std::string mistake_in(const model::JobAnswer& answer);

}  // namespace tally::daemon

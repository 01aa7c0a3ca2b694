// A job's answer for people.
#pragma once

#include <cstdint>
#include <string>

#include "ipc/model/job_answer.h"
#include "ipc/model/job_spec.h"

namespace tally::cli {

// Whether an index of this source's results needs the file's name.
bool has_several_files(const model::JobSpec& spec);

// A result's value; marked if the answer is a partial one.
std::string text_of_result(const model::JobAnswer& answer,
                           const model::ReducerResult& result, bool name_files);

// A line a result: its label and its value.
std::string text_of_results(const model::JobAnswer& answer, bool name_files);

// One line, without a newline: elements, time, rate, path and why, workers.
std::string text_of_summary(const model::JobAnswer& answer, std::uint64_t wall_ns);

// What it took to stop a cancelled or expired job.
std::string text_of_stop(const model::Stopped& stopped);

}  // namespace tally::cli

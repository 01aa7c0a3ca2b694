// The JSON that tally shows (a contract: README.md of this folder).
//
// Each function gives one object on one line, fields in a fixed order. Integers of
// results are strings; floats have their shortest round-trip form and their bits; NaN
// and the infinities are strings; a figure that was not measured is null.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "ipc/base/error.h"
#include "ipc/model/job_answer.h"
#include "ipc/model/server_status.h"

namespace tally::client {

// A copy that was made of the job's input before it was submitted.
struct CopyFigures {
  std::uint64_t bytes = 0;  // 0: there was none
  std::uint64_t ns = 0;
};

// `transport_ns`: the client's wall time less answer.time.total_ns; none where the job
// was another client's to submit.
std::string answer_to_json(const model::JobAnswer& answer,
                           std::optional<std::uint64_t> transport_ns,
                           const CopyFigures& copied = {});

// {"error": {"code", "class", "message", …the code's own fields}}
std::string error_to_json(const Error& error);

// {"kernels": [{"name", "summary", "file", "sha256", …}]}: of `tally kernels`.
std::string kernels_to_json(const std::vector<model::ListedKernel>& kernels);

std::string server_status_to_json(const model::ServerStatus& status);
// The same, but only what `tally status --health` is about.
std::string health_to_json(const model::ServerStatus& status);
std::string plan_to_json(const model::JobPlan& plan);
// {"jobs": […]}
std::string jobs_to_json(const std::vector<model::JobSummary>& jobs);

// Wall time less the daemon's total; 0 where clocks make it negative.
constexpr std::uint64_t transport_of(std::uint64_t wall_ns, std::uint64_t total_ns) {
  return wall_ns > total_ns ? wall_ns - total_ns : 0;
}

}  // namespace tally::client

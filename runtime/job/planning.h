// Planning of a job whose input must be looked at: inspects the input, reduces its
// first leaves where that settles a choice or was asked for, and plans.
//
// Does blocking I/O: for a helper thread, never the event loop.
#pragma once

#include <cstdint>
#include <optional>
#include <vector>

#include "ipc/base/result.h"
#include "ipc/base/unique_fd.h"
#include "ipc/model/job_spec.h"
#include "ipc/model/server_status.h"
#include "runtime/job/windowed_inspection.h"
#include "runtime/plan/planner.h"

namespace tally::job {

struct PlanningInput {
  const model::JobSpec& spec;
  const std::vector<UniqueFd>& files;
  plan::PathLimits limits;
  // Of a job whose files come in windows, which were inspected before; else null.
  const InspectedWindows* windows = nullptr;
};

// Errors: those of source::inspect and Plan::make.
Result<plan::Plan> plan_with_input(const PlanningInput& input,
                                   const plan::Reduction& reduction,
                                   plan::PathChoice choice);

// The same for `tally explain`, also for sources that carry their input: what the first
// leaves cost is measured for every job, and tells what all of them are expected to.
Result<model::JobPlan> explain_plan(const PlanningInput& input,
                                    const plan::Reduction& reduction,
                                    plan::PathChoice choice);

}  // namespace tally::job

// Planning of a job whose input must be looked at: inspects the input, reduces its
// first leaves where that settles a choice or was asked for, and plans.
//
// Does blocking I/O, but for plan_carried(): for a helper thread, never the event loop.
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

// The plan of a job whose source carries its elements, without kernels. Errors: those
// of plan_reduction(), choose_path() and Plan::make().
Result<plan::Plan> plan_carried(const model::JobSpec& spec, std::size_t descriptors,
                                const plan::PathLimits& limits);

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

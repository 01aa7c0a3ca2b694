// MergedState: the states and counts of all columns of a job, over some of its chunks.
#pragma once

#include <vector>

#include "ipc/base/result.h"
#include "ipc/model/chunk_task.h"
#include "runtime/reduce/state.h"

namespace tally::job {

struct MergedColumn {
  model::ElementCounts counts;
  reduce::States states;  // in the task's order
};

using MergedState = std::vector<MergedColumn>;

// The state of an empty input.
MergedState empty_state(const std::vector<model::ColumnTask>& columns,
                        model::ElementType type);

// From a partial of such columns, whose shape coverage has checked. Errors: InvalidData
// (bytes that are no state).
Result<MergedState> read_state(const model::Partial& partial,
                               const std::vector<model::ColumnTask>& columns,
                               model::ElementType type);

void merge_state(MergedState& into, const MergedState& from);

}  // namespace tally::job

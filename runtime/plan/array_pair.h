// array_pair: a job over two arrays, which are the columns of one table: their elements
// are paired one by one. Such a job has dots and counts (of pairs), no other reducers.
//
// Pure.
#pragma once

#include <span>

#include "ipc/base/result.h"
#include "ipc/model/job_spec.h"
#include "runtime/plan/reduction.h"
#include "runtime/source/inspect.h"

namespace tally::plan {

// Whether the job is one: a reducer of pairs whose source has no columns, or a source
// of two arrays.
bool is_array_pair(const model::JobSpec& spec);

// Precondition: is_array_pair(spec). Errors: InvalidArgument "unknown_reducer",
// "bad_argument", "no_columns", "dot_arrays" (the source is no two arrays),
// "not_with_dot" (another reducer).
Result<Reduction> plan_array_pair(const model::JobSpec& spec,
                                  std::span<const KnownKernel> kernels);

// Whether what was found can be paired. Errors: InvalidArgument "no_stream",
// "different_lengths", "different_shapes" (of npy files).
Result<void> check_array_pair(const source::Inspection& inspection);

}  // namespace tally::plan

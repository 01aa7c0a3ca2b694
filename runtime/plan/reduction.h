// Reduction: what a job reduces, and who reduces what: its reducers, checked, with the
// columns and states that each needs.
//
// Pure, and before any I/O.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "ipc/base/result.h"
#include "ipc/model/chunk_task.h"
#include "ipc/model/job_spec.h"
#include "runtime/plan/kernel_plan.h"
#include "runtime/plan/path_choice.h"
#include "runtime/reduce/quantile.h"
#include "runtime/reduce/reducers.h"

namespace tally::plan {

// One reducer of the job, checked, with the column it reads.
struct PlannedReducer {
  std::uint32_t column = 0;                  // index into Plan::columns
  const reduce::Reducer* reducer = nullptr;  // none: a kernel's
  std::optional<std::uint32_t> histogram;    // index into its column's histograms
  bool counts_rows = false;                  // count without a column: every row counts
  std::optional<std::uint32_t> kernel;  // index into Reduction::kernels; no column then
  std::vector<reduce::Quantile> quantiles;  // of a median or quantile
};

struct Reduction {
  std::vector<std::string> selectors;  // one a column of the input; "*": none needed
  std::vector<model::ColumnTask> columns;  // the families each needs; pairs last
  std::vector<PlannedReducer> reducers;    // in the spec's order
  std::vector<model::KernelTask> kernels;
  std::vector<model::KernelInfo> kernel_infos;  // of each of `kernels`
  bool in_process = true;                       // all of them may run in the daemon
  bool array_pair = false;  // the columns are two arrays (array_pair.h)

  std::size_t quantiles() const;  // how many; if there are any, it takes rounds
  std::size_t bins() const;       // of all histograms
};

// Errors: InvalidArgument "unknown_reducer", "bad_argument", "no_columns",
// "too_many_bins", "zero_step", "bad_values", "no_files", "type_needed",
// "bad_descriptor", "mixed_text", "too_many_quantiles", "bad_quantile_job", and those
// of plan_kernel() and plan_array_pair().
Result<Reduction> plan_reduction(const model::JobSpec& spec, std::size_t descriptors,
                                 std::span<const KnownKernel> kernels = {});

KernelPlace place_of(const Reduction& reduction);

}  // namespace tally::plan

// What quantiles ask of a job: that its input can be read several times, and windows
// for the first of its rounds (reduce/quantile_search.h). Pure.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "ipc/base/result.h"
#include "ipc/model/element_type.h"
#include "ipc/model/job_spec.h"
#include "runtime/reduce/quantile.h"

namespace tally::plan {

struct Reduction;

// Of one job: what their windows count or keep, two for each, must fit a worker's
// answer.
inline constexpr std::size_t kMostQuantiles = 128;

// Errors: InvalidArgument "too_many_quantiles", "bad_quantile_job".
Result<void> check_quantiles(const Reduction& reduction, const model::JobSpec& spec);

// Gives each column with quantiles its windows.
//   most_elements  that a column can have
//   sample         order keys of some elements of files and memory, in their order;
//                  what the spec carries itself is sampled here
void set_windows(Reduction& reduction, const model::JobSpec& spec,
                 model::ElementType type, std::uint64_t most_elements,
                 std::span<const std::int64_t> sample);

// All that are sought in each column, in the order of the job's reducers.
std::vector<std::vector<reduce::Quantile>> quantiles_by_column(
    const Reduction& reduction);

}  // namespace tally::plan

#include "runtime/plan/quantile_plan.h"

#include <string>
#include <utility>
#include <variant>

#include "runtime/plan/path_choice.h"
#include "runtime/plan/reduction.h"
#include "runtime/reduce/packed_keys.h"
#include "runtime/reduce/quantile_search.h"

namespace tally::plan {
namespace {

constexpr std::uint64_t kCarriedSample = 1024;

Error bad_job(std::string message) {
  return Error(Errc::InvalidArgument, "bad_quantile_job", std::move(message));
}

// Every so many-th element: evenly spaced elements of a range are its quantiles.
std::vector<std::int64_t> sample_of(const model::RangeSource& range) {
  const std::uint64_t count = elements_of(range);
  const std::uint64_t stride = count / kCarriedSample + 1;
  std::vector<std::int64_t> keys;
  for (std::uint64_t at = stride / 2; at < count; at += stride)
    // Modulo 2^64, which is exact: every element fits i64.
    keys.push_back(
        static_cast<std::int64_t>(static_cast<std::uint64_t>(range.start) +
                                  at * static_cast<std::uint64_t>(range.step)));
  return keys;
}

std::vector<std::int64_t> sample_of(const model::ValuesSource& values) {
  const std::uint64_t count = values.bytes.size() / model::size_of(values.type);
  std::vector<std::int64_t> keys;
  reduce::append_keys(values.type, values.bytes, count / kCarriedSample + 1, keys);
  return keys;
}

std::vector<std::int64_t> carried_sample(const model::Source& source) {
  std::vector<std::int64_t> keys;
  if (const auto* range = std::get_if<model::RangeSource>(&source))
    keys = sample_of(*range);
  if (const auto* values = std::get_if<model::ValuesSource>(&source))
    keys = sample_of(*values);
  return keys;
}

}  // namespace

// Every round reads the input again, all of it.
Result<void> check_quantiles(const Reduction& reduction, const model::JobSpec& spec) {
  const std::size_t count = reduction.quantiles();
  if (count == 0) return {};
  if (count > kMostQuantiles)
    return Error(Errc::InvalidArgument, "too_many_quantiles",
                 "a job has at most " + std::to_string(kMostQuantiles) +
                     " quantiles, and this one asks for " + std::to_string(count) +
                     "; run it as several jobs")
        .with("limit", static_cast<std::int64_t>(kMostQuantiles));
  if (!reduction.kernels.empty())
    return bad_job("quantiles and kernels take different rounds; run them as two jobs");
  if (spec.on_failure == model::FailurePolicy::Partial)
    return bad_job(
        "there is no partial answer with quantiles: every round must read the same; "
        "run the job without it");
  const auto* files = std::get_if<model::FilesSource>(&spec.source);
  if (files != nullptr && files->windowed)
    return bad_job(
        "quantiles read their input several times, and this has more files than one "
        "request carries; put them together into fewer");
  return {};
}

std::vector<std::vector<reduce::Quantile>> quantiles_by_column(
    const Reduction& reduction) {
  std::vector<std::vector<reduce::Quantile>> wanted(reduction.columns.size());
  for (const PlannedReducer& planned : reduction.reducers)
    wanted[planned.column].insert(wanted[planned.column].end(),
                                  planned.quantiles.begin(), planned.quantiles.end());
  return wanted;
}

void set_windows(Reduction& reduction, const model::JobSpec& spec,
                 model::ElementType type, std::uint64_t most_elements,
                 std::span<const std::int64_t> sample) {
  const std::size_t count = reduction.quantiles();
  if (count == 0) return;
  std::vector<std::int64_t> carried;
  if (carried_elements(spec.source) && most_elements > reduce::kAlwaysKept)
    sample = carried = carried_sample(spec.source);
  const auto wanted = quantiles_by_column(reduction);
  for (std::size_t i = 0; i < wanted.size(); ++i)
    if (!wanted[i].empty())
      reduction.columns[i].windows = reduce::first_windows(
          type, wanted[i], sample, most_elements, reduce::kept_of_each(count));
}

}  // namespace tally::plan

#include "runtime/job/planning.h"

#include <algorithm>
#include <utility>

#include "runtime/exec/first_leaves.h"
#include "runtime/source/inspect.h"
#include "runtime/source/sample.h"

namespace tally::job {
namespace {

// Of the input, at most this part is reduced twice, ...
constexpr std::uint64_t kMeasuredPart = 64;
// ... except that one block is always read. Where that is too much of the whole, it is
// not worth knowing.
constexpr std::uint64_t kLeastInputBytes = 1U << 20;
// For a forecast more is measured: a few milliseconds of any source.
constexpr std::uint64_t kForecastExtent = 1U << 22;

Result<plan::Plan> make_plan(const PlanningInput& input,
                             const plan::Reduction& reduction, plan::PathChoice choice,
                             const source::Inspection& inspection) {
  return plan::Plan::make(input.spec, reduction, std::move(choice), inspection);
}

std::optional<exec::FirstLeaves> measure(const PlanningInput& input,
                                         const plan::Plan& plan, std::uint64_t extent) {
  // A kernel's code does not run here, and what the others cost would say too little.
  if (plan.chunks() == 0 || !plan.reduction().kernels.empty()) return std::nullopt;
  std::vector<std::uint32_t> descriptors;
  model::ChunkTask task = plan.task(input.spec, {0, 0, 0, 1}, {}, descriptors);
  std::vector<int> fds;
  fds.reserve(descriptors.size());
  const auto& files = input.windows != nullptr ? input.windows->first : input.files;
  for (const std::uint32_t descriptor : descriptors) {
    if (descriptor >= files.size()) return std::nullopt;  // not open any more
    fds.push_back(files[descriptor].get());
  }
  return exec::measure_first_leaves(std::move(task), fds, {extent});
}

std::optional<plan::MeasuredLeaves> cost_of(
    const std::optional<exec::FirstLeaves>& leaves) {
  if (!leaves) return std::nullopt;
  return plan::MeasuredLeaves{leaves->cpu_ns, leaves->waited_ns};
}

Result<source::Inspection> inspected(const PlanningInput& input,
                                     const plan::Reduction& reduction) {
  if (plan::carried_elements(input.spec.source)) return source::Inspection{};
  if (input.windows != nullptr) return input.windows->inspection;
  Result<source::Inspection> found =
      source::inspect(input.spec, reduction.selectors, input.files);
  if (found && reduction.quantiles() != 0)
    found->sample = source::sample_keys(*found, input.files);
  return found;
}

// Nothing is measured: what was read from a stream is gone.
Result<plan::Plan> plan_streams(const PlanningInput& input,
                                const plan::Reduction& reduction,
                                const source::Inspection& inspection) {
  Result<plan::PathChoice> choice =
      plan::choose_stream_path(input.spec, input.limits, plan::place_of(reduction));
  if (!choice) return choice.error();
  return make_plan(input, reduction, *std::move(choice), inspection);
}

// CPU time is shared by the cores there are, waiting by all slots.
std::optional<std::uint64_t> expected_ns(
    const plan::Plan& plan, const plan::PathLimits& limits,
    const std::optional<exec::FirstLeaves>& leaves) {
  if (!leaves || leaves->extent == 0) return std::nullopt;
  const double times =
      static_cast<double>(plan.size()) / static_cast<double>(leaves->extent);
  const std::uint32_t slots = plan.parallel();
  const std::uint32_t cores = std::min(slots, limits.usable_cores);
  const double cpu_ns = static_cast<double>(leaves->cpu_ns) / cores;
  const double wall_ns =
      static_cast<double>(leaves->cpu_ns + leaves->waited_ns) / slots;
  return static_cast<std::uint64_t>(times * std::max(cpu_ns, wall_ns));
}

model::JobPlan shown(const plan::Plan& plan) {
  model::JobPlan shown;
  shown.path = plan.choice().path;
  shown.reason = plan.choice().reason;
  shown.workers = plan.parallel();
  shown.chunks = plan.chunks();
  shown.leaves = plan.leaves();
  shown.elements_known = !plan.in_bytes() && !plan.has_streams();
  shown.elements = shown.elements_known ? plan.size() : 0;
  shown.input_bytes = plan.input_bytes();
  shown.chunk_size = plan.chunk_size();
  return shown;
}

}  // namespace

Result<plan::Plan> plan_carried(const model::JobSpec& spec, std::size_t descriptors,
                                const plan::PathLimits& limits) {
  Result<plan::Reduction> reduction = plan::plan_reduction(spec, descriptors);
  if (!reduction) return std::move(reduction).error();
  Result<plan::PathChoice> choice =
      plan::choose_path(spec, limits, plan::place_of(*reduction));
  if (!choice) return std::move(choice).error();
  return plan::Plan::make(spec, *std::move(reduction), *std::move(choice), {});
}

Result<plan::Plan> plan_with_input(const PlanningInput& input,
                                   const plan::Reduction& reduction,
                                   plan::PathChoice choice) {
  const Result<source::Inspection> inspection = inspected(input, reduction);
  if (!inspection) return inspection.error();
  if (inspection->streams) return plan_streams(input, reduction, *inspection);
  Result<plan::Plan> plan = make_plan(input, reduction, choice, *inspection);
  if (!plan || !choice.open) return plan;
  std::optional<exec::FirstLeaves> leaves;
  if (plan->input_bytes() >= kLeastInputBytes)
    leaves = measure(input, *plan, plan->size() / kMeasuredPart);
  choice =
      plan::settle_path(std::move(choice), input.spec, input.limits, cost_of(leaves));
  return make_plan(input, reduction, std::move(choice), *inspection);
}

Result<model::JobPlan> explain_plan(const PlanningInput& input,
                                    const plan::Reduction& reduction,
                                    plan::PathChoice choice) {
  const Result<source::Inspection> inspection = inspected(input, reduction);
  if (!inspection) return inspection.error();
  if (inspection->streams) {
    const Result<plan::Plan> plan = plan_streams(input, reduction, *inspection);
    if (!plan) return plan.error();
    return shown(*plan);
  }
  Result<plan::Plan> plan = make_plan(input, reduction, choice, *inspection);
  if (!plan) return plan.error();
  const std::optional<exec::FirstLeaves> leaves =
      measure(input, *plan, kForecastExtent);
  if (choice.open) {
    choice =
        plan::settle_path(std::move(choice), input.spec, input.limits, cost_of(leaves));
    plan = make_plan(input, reduction, std::move(choice), *inspection);
    if (!plan) return plan.error();
  }
  model::JobPlan answer = shown(*plan);
  answer.expected_ns = expected_ns(*plan, input.limits, leaves);
  if (leaves) answer.measured_extent = leaves->extent;
  return answer;
}

}  // namespace tally::job

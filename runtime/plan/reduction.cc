#include "runtime/plan/reduction.h"

#include <algorithm>
#include <utility>

#include "runtime/plan/array_pair.h"
#include "runtime/plan/quantile_plan.h"
#include "runtime/reduce/histogram_bins.h"
#include "runtime/source/inspect.h"

namespace tally::plan {
namespace {

Error invalid(std::string code, std::string message) {
  return Error(Errc::InvalidArgument, std::move(code), std::move(message));
}

Result<void> check_descriptor(std::uint32_t descriptor, std::size_t descriptors) {
  if (descriptor < descriptors) return {};
  return invalid("bad_descriptor", "the source names descriptor " +
                                       std::to_string(descriptor) + " of " +
                                       std::to_string(descriptors) + " that came");
}

struct SourceCheck {
  std::size_t descriptors;

  Result<void> operator()(const model::RangeSource& range) const {
    if (range.step == 0)
      return invalid("zero_step", "a range's step is not 0: START:STOP:STEP");
    return {};
  }
  Result<void> operator()(const model::ValuesSource& values) const {
    if (values.bytes.size() % model::size_of(values.type) != 0)
      return invalid("bad_values", "the values are no whole number of elements");
    return {};
  }
  Result<void> operator()(const model::MemorySource& memory) const {
    Result<void> ok = check_descriptor(memory.descriptor, descriptors);
    if (!ok || !memory.second) return ok;
    return check_descriptor(memory.second->descriptor, descriptors);
  }
  Result<void> operator()(const model::FilesSource& files) const {
    if (files.files.empty()) return invalid("no_files", "a job over no files");
    if (files.windowed) return {};  // their descriptors come later
    for (const model::FileEntry& file : files.files)
      if (Result<void> ok = check_descriptor(file.descriptor, descriptors); !ok)
        return ok;
    return {};
  }
};

bool is_csv(const model::Source& source) {
  const auto* files = std::get_if<model::FilesSource>(&source);
  return files != nullptr && files->format == model::FileFormat::Csv;
}

void add_families(model::ColumnTask& column, const std::vector<model::Family>& more) {
  for (const model::Family family : more) {
    const auto at =
        std::lower_bound(column.families.begin(), column.families.end(), family);
    if (at == column.families.end() || *at != family)
      column.families.insert(at, family);
  }
}

// The same column as numbers and as text is two columns.
std::uint32_t column_of(Reduction& reduction, const std::string& selector,
                        bool text = false) {
  auto& selectors = reduction.selectors;
  for (std::size_t i = 0; i < selectors.size(); ++i)
    if (selectors[i] == selector && reduction.columns[i].text == text)
      return static_cast<std::uint32_t>(i);
  selectors.push_back(selector);
  reduction.columns.emplace_back().text = text;
  return static_cast<std::uint32_t>(selectors.size() - 1);
}

Result<void> check_selector(const model::Source& source, const std::string& reducer,
                            const std::string& selector) {
  if (!is_csv(source) && !selector.empty())
    return invalid("no_columns", "'" + reducer + ":" + selector +
                                     "' names a column, but only csv has columns");
  if (selector == source::kNoColumnSelector)
    return invalid("unknown_column",
                   "'*' names no column; leave the column out of "
                   "'count' to count rows");
  return {};
}

bool can_be_text(const model::Source& source) {
  const auto* files = std::get_if<model::FilesSource>(&source);
  return files != nullptr && (files->format == model::FileFormat::Csv ||
                              files->format == model::FileFormat::Text);
}

Result<PlannedReducer> add_kernel(Reduction& reduction, const model::JobSpec& spec,
                                  const model::ReducerSpec& wanted,
                                  const KnownKernel& kernel) {
  Result<KernelRequest> request = plan_kernel(wanted, kernel);
  if (!request) return std::move(request).error();
  const bool text = model::takes_text(kernel.info);
  if (text && !can_be_text(spec.source))
    return invalid("kernel_type", "kernel '" + wanted.name +
                                      "' takes text: lines of a text file or cells of "
                                      "a csv column; the source has numbers");
  for (const std::string& selector : request->columns) {
    if (Result<void> ok = check_selector(spec.source, wanted.name, selector); !ok)
      return std::move(ok).error();
    request->task.columns.push_back(column_of(reduction, selector, text));
  }
  PlannedReducer planned;
  planned.kernel = static_cast<std::uint32_t>(reduction.kernels.size());
  reduction.kernels.push_back(std::move(request->task));
  reduction.kernel_infos.push_back(kernel.info);
  reduction.in_process = reduction.in_process && kernel.in_process;
  return planned;
}

// What was found under a reducer's name: one of the two.
struct Found {
  const reduce::Reducer* reducer = nullptr;
  const KnownKernel* kernel = nullptr;
  std::optional<model::ColumnPair> pair = {};  // that the reducer is over
};

Result<Found> find(const model::ReducerSpec& wanted,
                   std::span<const KnownKernel> kernels) {
  if (reduce::find_reducer(wanted.name) == nullptr)
    if (const KnownKernel* kernel = find_kernel(kernels, wanted.name))
      return Found{nullptr, kernel, {}};
  const auto reducer = reduce::resolve_reducer(wanted);
  if (reducer) return Found{*reducer, nullptr, {}};
  if (kernels.empty() || reducer.error().code() != "unknown_reducer")
    return reducer.error();
  std::string names;
  for (const KnownKernel& kernel : kernels)
    names += (names.empty() ? "" : ", ") + kernel.info.name;
  return Error(Errc::InvalidArgument, "unknown_reducer",
               reducer.error().message() + "; the kernels are: " + names)
      .with("reducer", wanted.name);
}

// A text file has one column, so it is all numbers or all text.
Result<void> check_text(const Reduction& reduction, const model::Source& source) {
  if (is_csv(source)) return {};
  const auto texts = std::count_if(reduction.columns.begin(), reduction.columns.end(),
                                   [](const auto& column) { return column.text; });
  if (texts == 0 || reduction.columns.size() == 1) return {};
  return invalid("mixed_text",
                 "the lines of a text file are numbers to some of these reducers and "
                 "text to others; run them as two jobs");
}

// The columns of a reducer of pairs, which is over csv: of two names one a pair.
Result<model::ColumnPair> pair_of(Reduction& reduction, const model::JobSpec& spec,
                                  const model::ReducerSpec& wanted) {
  const auto names = reduce::paired_columns(wanted);
  if (!names) return names.error();
  if (names->empty())
    return invalid("bad_argument", "'" + wanted.name +
                                       "' over csv takes two columns, by name or "
                                       "number: write " +
                                       wanted.name + "(price,qty)");
  for (const std::string& name : *names)
    if (Result<void> ok = check_selector(spec.source, wanted.name, name); !ok)
      return std::move(ok).error();
  return model::ColumnPair{column_of(reduction, names->front()),
                           column_of(reduction, names->back())};
}

// Behind all columns of the input; reducers of the same pair share it.
std::uint32_t column_of_pair(Reduction& reduction, const model::ColumnPair& pair) {
  auto& columns = reduction.columns;
  const auto same = std::ranges::find_if(
      columns, [&](const model::ColumnTask& column) { return column.pair == pair; });
  const auto index = static_cast<std::uint32_t>(same - columns.begin());
  if (same == columns.end()) columns.emplace_back().pair = pair;
  return index;
}

// Those of the same bins share a state.
std::uint32_t histogram_of(model::ColumnTask& column,
                           const model::HistogramBins& bins) {
  auto& all = column.histograms;
  const auto same = std::find(all.begin(), all.end(), bins);
  const auto index = static_cast<std::uint32_t>(same - all.begin());
  if (same == all.end()) all.push_back(bins);
  return index;
}

Result<void> check_bins(const Reduction& reduction) {
  std::size_t edges = 0;
  for (const model::ColumnTask& column : reduction.columns)
    for (const model::HistogramBins& bins : column.histograms)
      edges += bins.edges.size();
  if (reduction.bins() <= reduce::kMostBins && edges <= reduce::kMostEdges) return {};
  return invalid("too_many_bins",
                 "the histograms of a job have at most " +
                     std::to_string(reduce::kMostBins) + " bins and " +
                     std::to_string(reduce::kMostEdges) +
                     " edges given one by one, together; run them as several jobs");
}

}  // namespace

std::size_t Reduction::bins() const {
  std::size_t count = 0;
  for (const model::ColumnTask& column : columns)
    for (const model::HistogramBins& bins : column.histograms) count += bins.count;
  return count;
}

std::size_t Reduction::quantiles() const {
  std::size_t count = 0;
  for (const PlannedReducer& planned : reducers) count += planned.quantiles.size();
  return count;
}

Result<Reduction> plan_reduction(const model::JobSpec& spec, std::size_t descriptors,
                                 std::span<const KnownKernel> kernels) {
  if (Result<void> ok = std::visit(SourceCheck{descriptors}, spec.source); !ok)
    return std::move(ok).error();
  if (is_array_pair(spec)) return plan_array_pair(spec, kernels);
  const bool csv = is_csv(spec.source);
  Reduction reduction;
  // Columns first, so that a count without one can join whichever is there.
  std::vector<Found> found;
  for (const model::ReducerSpec& wanted : spec.reducers) {
    const Result<Found> one = find(wanted, kernels);
    if (!one) return one.error();
    found.push_back(*one);
    PlannedReducer planned;
    if (one->reducer != nullptr && one->reducer->of_pairs) {
      const Result<model::ColumnPair> pair = pair_of(reduction, spec, wanted);
      if (!pair) return pair.error();
      planned.reducer = one->reducer;
      found.back().pair = *pair;
    } else if (one->kernel != nullptr) {
      Result<PlannedReducer> added = add_kernel(reduction, spec, wanted, *one->kernel);
      if (!added) return std::move(added).error();
      planned = *added;
    } else {
      if (Result<void> ok = check_selector(spec.source, wanted.name, wanted.column);
          !ok)
        return std::move(ok).error();
      planned.reducer = one->reducer;
      if (one->reducer->needs_column || !wanted.column.empty())
        planned.column = column_of(reduction, wanted.column);
    }
    reduction.reducers.push_back(planned);
  }
  if (reduction.selectors.empty())
    column_of(reduction, csv ? std::string(source::kNoColumnSelector) : "");
  if (Result<void> ok = check_text(reduction, spec.source); !ok)
    return std::move(ok).error();
  for (std::size_t i = 0; i < found.size(); ++i) {
    if (found[i].kernel != nullptr) continue;
    PlannedReducer& planned = reduction.reducers[i];
    if (found[i].pair) planned.column = column_of_pair(reduction, *found[i].pair);
    if (!found[i].reducer->needs_column && spec.reducers[i].column.empty())
      planned.counts_rows = csv;
    model::ColumnTask& column = reduction.columns[planned.column];
    add_families(column, found[i].reducer->families);
    if (found[i].reducer->has_bins) {
      const auto bins = reduce::parse_histogram_bins(spec.reducers[i].args);
      if (!bins) return bins.error();
      planned.histogram = histogram_of(column, *bins);
    }
    if (found[i].reducer->is_quantile) {
      auto quantiles = reduce::quantiles_of(spec.reducers[i]);
      if (!quantiles) return std::move(quantiles).error();
      planned.quantiles = *std::move(quantiles);
    }
  }
  if (Result<void> ok = check_bins(reduction); !ok) return std::move(ok).error();
  if (Result<void> ok = check_quantiles(reduction, spec); !ok)
    return std::move(ok).error();
  return reduction;
}

KernelPlace place_of(const Reduction& reduction) {
  if (reduction.kernels.empty()) return KernelPlace::None;
  return reduction.in_process ? KernelPlace::Anywhere : KernelPlace::Workers;
}

}  // namespace tally::plan

#include "runtime/plan/array_pair.h"

#include <algorithm>
#include <string>
#include <utility>

namespace tally::plan {
namespace {

Error invalid(std::string code, std::string message) {
  return Error(Errc::InvalidArgument, std::move(code), std::move(message));
}

const model::FilesSource* files_of(const model::Source& source) {
  return std::get_if<model::FilesSource>(&source);
}

bool has_two_memories(const model::Source& source) {
  const auto* memory = std::get_if<model::MemorySource>(&source);
  return memory != nullptr && memory->second.has_value();
}

std::string what_is_there(const model::Source& source) {
  if (std::holds_alternative<model::RangeSource>(source)) return "a range";
  if (std::holds_alternative<model::ValuesSource>(source)) return "one list of values";
  const model::FilesSource* const files = files_of(source);
  if (files == nullptr) return "one array";
  return std::to_string(files->files.size()) +
         (files->files.size() == 1 ? " file of " : " files of ") +
         std::string(name_of(files->format));
}

Result<void> check_source(const model::Source& source) {
  if (has_two_memories(source)) return {};
  const model::FilesSource* const files = files_of(source);
  const bool arrays = files != nullptr && !files->windowed &&
                      (files->format == model::FileFormat::Npy ||
                       files->format == model::FileFormat::Raw);
  if (arrays && files->files.size() == 2) return {};
  return invalid("dot_arrays",
                 "dot pairs two arrays element by element, and the source is " +
                     what_is_there(source) +
                     "; give exactly two npy files, two raw files or two arrays in "
                     "memory, or two columns of csv: dot(price,qty)");
}

Result<void> check_reducer(const model::ReducerSpec& wanted,
                           std::span<const KnownKernel> kernels) {
  const bool kernel = reduce::find_reducer(wanted.name) == nullptr &&
                      find_kernel(kernels, wanted.name) != nullptr;
  if (!kernel) {
    const auto reducer = reduce::resolve_reducer(wanted);
    if (!reducer) return reducer.error();
    if ((*reducer)->of_pairs && !wanted.args.empty())
      return invalid("no_columns", "'" + wanted.name +
                                       "' names columns, but only csv has columns; "
                                       "dot alone pairs two arrays");
    if (!wanted.column.empty())
      return invalid("no_columns", "'" + wanted.name + ":" + wanted.column +
                                       "' names a column, but only csv has columns");
    if ((*reducer)->of_pairs || !(*reducer)->needs_column) return {};
  }
  return Error(Errc::InvalidArgument, "not_with_dot",
               "a job over two arrays that are paired has dot and count only; run '" +
                   wanted.name + "' over either of them as a job of its own")
      .with("reducer", wanted.name);
}

Error different_lengths(const source::InspectedFile& left,
                        const source::InspectedFile& right) {
  const auto told = [](const source::InspectedFile& file, const char* otherwise) {
    return (file.name.empty() ? std::string(otherwise) : file.name) + " has " +
           std::to_string(file.elements);
  };
  return Error(Errc::InvalidArgument, "different_lengths",
               "dot pairs two arrays element by element, and they are not equally "
               "long: " +
                   told(left, "the first one") + " elements, " +
                   told(right, "the second one") +
                   "; give two of one length, or parts of them")
      .with("elements", static_cast<std::int64_t>(left.elements))
      .with("other_elements", static_cast<std::int64_t>(right.elements));
}

}  // namespace

bool is_array_pair(const model::JobSpec& spec) {
  if (has_two_memories(spec.source)) return true;
  const model::FilesSource* const files = files_of(spec.source);
  if (files != nullptr && files->format == model::FileFormat::Csv) return false;
  return std::ranges::any_of(spec.reducers, [](const model::ReducerSpec& wanted) {
    const reduce::Reducer* const reducer = reduce::find_reducer(wanted.name);
    return reducer != nullptr && reducer->of_pairs;
  });
}

Result<Reduction> plan_array_pair(const model::JobSpec& spec,
                                  std::span<const KnownKernel> kernels) {
  for (const model::ReducerSpec& wanted : spec.reducers)
    if (Result<void> ok = check_reducer(wanted, kernels); !ok)
      return std::move(ok).error();
  if (Result<void> ok = check_source(spec.source); !ok) return std::move(ok).error();
  Reduction reduction;
  reduction.array_pair = true;
  reduction.selectors = {"", ""};
  reduction.columns.resize(3);
  reduction.columns.back().families = {model::Family::Dot};
  reduction.columns.back().pair = {0, 1};
  for (const model::ReducerSpec& wanted : spec.reducers) {
    PlannedReducer planned;
    planned.reducer = reduce::find_reducer(wanted.name);
    planned.column = 2;  // a count's is of the pairs, too
    reduction.reducers.push_back(planned);
  }
  return reduction;
}

Result<void> check_array_pair(const source::Inspection& inspection) {
  const source::InspectedFile& left = inspection.files.front();
  const source::InspectedFile& right = inspection.files.back();
  if (inspection.streams) {
    const std::string& name = (left.stream ? left : right).name;
    return Error(Errc::InvalidArgument, "no_stream",
                 name +
                     ": dot reads two arrays side by side, at any place, and a pipe "
                     "is read once, from its start; put it into a file")
        .with("file", name);
  }
  if (left.elements != right.elements) return different_lengths(left, right);
  if (left.layout == right.layout) return {};
  return Error(Errc::InvalidArgument, "different_shapes",
               "dot pairs elements as they lie in two files, and these lie "
               "differently: " +
                   left.name + " is of shape " + left.layout + ", " + right.name +
                   " of " + right.layout + "; save both in one shape and order")
      .with("shape", left.layout)
      .with("other_shape", right.layout);
}

}  // namespace tally::plan

// The built-in reducers: their names, the families they need, how they finish.
//
// Values, errors, NaN and tie rules of each: runtime/reduce/README.md.
#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "ipc/base/int128.h"
#include "ipc/base/result.h"
#include "ipc/model/chunk_task.h"
#include "ipc/model/job_answer.h"
#include "ipc/model/job_spec.h"
#include "runtime/reduce/state.h"

namespace tally::reduce {

// One built-in reducer. The table is constant; entries live for ever.
struct Reducer {
  std::string_view name;                // "mean"
  std::string_view summary;             // one line for help
  std::vector<model::Family> families;  // ascending
  bool needs_column = true;             // false: count, which any column answers alike
  // Where only integers have such a value: why, and what to do about floats.
  std::string_view no_floats = {};
  // Its arguments are bins; its state is its own, not a family's.
  bool has_bins = false;
  // Its value comes of a QuantileSearch (quantile_search.h), not of finish().
  bool is_quantile = false;
  // Its column is one of pairs; its arguments name the two.
  bool of_pairs = false;
};

std::span<const Reducer> all_reducers();

// nullptr if there is none of that name.
const Reducer* find_reducer(std::string_view name);

// The reducer a spec names, its arguments checked. Errors: InvalidArgument
// "unknown_reducer" (names the nearest and lists all), "bad_argument".
Result<const Reducer*> resolve_reducer(const model::ReducerSpec& spec);

// The columns that the arguments of a reducer of pairs name; none: it is of two arrays.
// Errors: InvalidArgument "bad_argument".
Result<std::vector<std::string>> paired_columns(const model::ReducerSpec& spec);

// Whether elements of that type have such a value. Errors: InvalidArgument
// "reducer_type".
Result<void> check_type(const Reducer& reducer, model::ElementType type);

// The value of `spec` from its column's merged states.
//   states  those of the column; every family that the reducer needs is there
//   counts  of the column
// A reducer that has no value (mean of nothing, var of fewer elements than ddof, a
// product beyond 128 bits) gives an Error of class NoValue.
// Positions are answered with `file` = index of the file as text-free number; the
// caller puts the name in (it knows the files).
struct FinishInput {
  model::ElementType type = model::ElementType::F64;
  const model::ElementCounts* counts = nullptr;
  std::span<const std::unique_ptr<State>> states;
  std::span<const std::string> args = {};  // of the spec, which was resolved
  const State* histogram = nullptr;        // of the reducer's own bins, if it has any
};

// A model::Value, but with positions still by file number.
using FinishedValue = std::variant<Int128, double, float, Position, model::Histogram>;

// Precondition: !reducer.is_quantile.
Result<FinishedValue> finish(const Reducer& reducer, const FinishInput& input);

}  // namespace tally::reduce

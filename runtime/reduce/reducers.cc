#include "runtime/reduce/reducers.h"

#include <array>
#include <concepts>
#include <limits>

#include "ipc/base/check.h"
#include "ipc/base/nearest.h"
#include "runtime/reduce/extremes_state.h"
#include "runtime/reduce/order_key.h"
#include "runtime/reduce/sum_state.h"

namespace tally::reduce {
namespace {

using model::Family;

std::string all_names() {
  std::string names;
  for (const Reducer& reducer : all_reducers()) {
    if (!names.empty()) names += ", ";
    names += reducer.name;
  }
  return names;
}

// What other programs call it.
constexpr std::array<std::pair<std::string_view, std::string_view>, 10> kOtherNames{{
    {"avg", "mean"},
    {"average", "mean"},
    {"total", "sum"},
    {"add", "sum"},
    {"len", "count"},
    {"length", "count"},
    {"size", "count"},
    {"n", "count"},
    {"minimum", "min"},
    {"maximum", "max"},
}};

std::optional<std::string_view> meant_by(const std::string& name,
                                         std::span<const std::string_view> choices) {
  for (const auto& [other, ours] : kOtherNames)
    if (name == other) return ours;
  return nearest(name, choices);
}

Error unknown_reducer(const std::string& name) {
  std::vector<std::string_view> choices;
  for (const Reducer& reducer : all_reducers()) choices.push_back(reducer.name);
  const auto near = meant_by(name, choices);
  std::string message = "unknown reducer '" + name + "'";
  if (near) message += "; did you mean '" + std::string(*near) + "'?";
  message += " (there are: " + all_names() + ")";
  Error error =
      Error(Errc::InvalidArgument, "unknown_reducer", message).with("reducer", name);
  if (near) return std::move(error).with("nearest", std::string(*near));
  return error;
}

Error no_value(const Reducer& reducer) {
  return Error(Errc::NoValue, "no_value",
               std::string(reducer.name) + " of no elements has no value")
      .with("reducer", std::string(reducer.name));
}

// The caller's promise: every family that a reducer needs is there.
const State& state_of(const FinishInput& input, Family family) {
  const State* found = nullptr;
  for (const auto& state : input.states)
    if (state->family() == family) found = state.get();
  TALLY_CHECK(found != nullptr);
  return *found;
}

FinishedValue finish_sum(const FinishInput& input) {
  const State& state = state_of(input, Family::Sum);
  if (model::is_float(input.type))
    return static_cast<const FloatSumState&>(state).mean(1);
  return static_cast<const IntegerSumState&>(state).total();
}

FinishedValue finish_mean(const FinishInput& input) {
  const State& state = state_of(input, Family::Sum);
  if (model::is_float(input.type))
    return static_cast<const FloatSumState&>(state).mean(input.counts->kept);
  return static_cast<const IntegerSumState&>(state).mean(input.counts->kept);
}

FinishedValue value_of_extreme(const ExtremesState& state, const Extreme& extreme,
                               model::ElementType type) {
  return model::with_type(type, [&](auto zero) -> FinishedValue {
    using T = decltype(zero);
    if constexpr (std::floating_point<T>) {
      if (state.is_nan()) return std::numeric_limits<T>::quiet_NaN();
      return value_of_key<T>(extreme.key);
    } else {
      return Int128{value_of_key<T>(extreme.key)};
    }
  });
}

Result<FinishedValue> finish_extreme(const Reducer& reducer, const FinishInput& input) {
  const auto& state =
      static_cast<const ExtremesState&>(state_of(input, Family::Extremes));
  // States may come from another process: believe neither them nor the counts alone.
  if (state.is_empty()) {
    return Error(Errc::Internal, "bad_state",
                 "elements were counted, but their minimum and maximum are empty");
  }
  const bool greatest = reducer.name == "max" || reducer.name == "argmax";
  const Extreme& extreme = greatest ? state.greatest() : state.least();
  if (reducer.name == "argmin" || reducer.name == "argmax")
    return FinishedValue(extreme.position);
  return value_of_extreme(state, extreme, input.type);
}

}  // namespace

std::span<const Reducer> all_reducers() {
  // Never destroyed: threads may run on while a host program exits.
  static const auto& kReducers = *new std::array<Reducer, 7>{{
      {"count", "how many elements there are", {}, false},
      {"sum", "the exact sum", {Family::Sum}},
      {"mean", "the exact sum divided by the count", {Family::Sum}},
      {"min", "the least element", {Family::Extremes}},
      {"max", "the greatest element", {Family::Extremes}},
      {"argmin", "where the least element is first", {Family::Extremes}},
      {"argmax", "where the greatest element is first", {Family::Extremes}},
  }};
  return kReducers;
}

const Reducer* find_reducer(std::string_view name) {
  for (const Reducer& reducer : all_reducers())
    if (reducer.name == name) return &reducer;
  return nullptr;
}

Result<const Reducer*> resolve_reducer(const model::ReducerSpec& spec) {
  const Reducer* reducer = find_reducer(spec.name);
  if (reducer == nullptr) return unknown_reducer(spec.name);
  if (!spec.args.empty()) {
    return Error(Errc::InvalidArgument, "bad_argument",
                 "reducer '" + spec.name + "' takes no argument, and was given '" +
                     spec.args.front() + "'; a column is written " + spec.name + ":" +
                     spec.args.front())
        .with("reducer", spec.name);
  }
  return reducer;
}

Result<FinishedValue> finish(const Reducer& reducer, const FinishInput& input) {
  const std::uint64_t kept = input.counts->kept;
  if (reducer.name == "count") return FinishedValue(Int128{kept});
  if (reducer.name == "sum") return finish_sum(input);
  if (kept == 0) return no_value(reducer);
  if (reducer.name == "mean") return finish_mean(input);
  return finish_extreme(reducer, input);
}

}  // namespace tally::reduce

#include "runtime/reduce/reducers.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <concepts>
#include <limits>

#include "ipc/base/check.h"
#include "ipc/base/nearest.h"
#include "runtime/reduce/bits_state.h"
#include "runtime/reduce/dot_state.h"
#include "runtime/reduce/extremes_state.h"
#include "runtime/reduce/histogram_bins.h"
#include "runtime/reduce/histogram_state.h"
#include "runtime/reduce/moments.h"
#include "runtime/reduce/order_key.h"
#include "runtime/reduce/product_state.h"
#include "runtime/reduce/quantile.h"
#include "runtime/reduce/squares_state.h"
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
constexpr std::array<std::pair<std::string_view, std::string_view>, 30> kOtherNames{{
    {"avg", "mean"},           {"average", "mean"},
    {"total", "sum"},          {"add", "sum"},
    {"len", "count"},          {"length", "count"},
    {"size", "count"},         {"n", "count"},
    {"minimum", "min"},        {"maximum", "max"},
    {"variance", "var"},       {"stddev", "std"},
    {"stdev", "std"},          {"sd", "std"},
    {"norm", "norm2"},         {"ssq", "sumsq"},
    {"hist", "histogram"},     {"product", "prod"},
    {"bit_and", "and"},        {"bit_or", "or"},
    {"bit_xor", "xor"},        {"every", "all"},
    {"some", "any"},           {"percentile", "quantile"},
    {"quantiles", "quantile"}, {"p50", "median"},
    {"vdot", "dot"},           {"inner", "dot"},
    {"sumproduct", "dot"},     {"dot_product", "dot"},
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

// What var and std take: how many degrees of freedom the mean and the like have used
// up. Written var(1) or var(ddof=1); 0 unless given, as numpy has it.
Result<std::uint64_t> ddof_of(std::string_view reducer,
                              std::span<const std::string> args) {
  if (args.empty()) return std::uint64_t{0};
  std::string_view text = args.front();
  constexpr std::string_view kName = "ddof=";
  if (text.starts_with(kName)) text.remove_prefix(kName.size());
  std::uint64_t ddof = 0;
  const auto [end, failed] =
      std::from_chars(text.data(), text.data() + text.size(), ddof);
  if (args.size() == 1 && failed == std::errc() && end == text.data() + text.size())
    return ddof;
  const std::string name(reducer);
  return Error(Errc::InvalidArgument, "bad_argument",
               "'" + name + "' was given '" + args[args.size() == 1 ? 0 : 1] +
                   "'; it takes one argument at most, ddof, a whole number from 0: " +
                   name + "(0) divides by the count, " + name + "(1) by one less")
      .with("reducer", name);
}

bool takes_ddof(const Reducer& reducer) {
  return reducer.name == "var" || reducer.name == "std";
}

ProductSum squares_of(const FinishInput& input) {
  const State& state = state_of(input, Family::Squares);
  if (model::is_float(input.type))
    return static_cast<const FloatSquaresState&>(state).squares();
  return static_cast<const IntegerSquaresState&>(state).squares();
}

Superaccumulator exact_sum_of(const FinishInput& input) {
  const State& state = state_of(input, Family::Sum);
  if (model::is_float(input.type))
    return static_cast<const FloatSumState&>(state).sum();
  return static_cast<const IntegerSumState&>(state).sum();
}

// What NaNs and infinities make of it, whatever the other elements are.
std::optional<double> special_of_squares(const FinishInput& input, double of_infinity) {
  if (!model::is_float(input.type)) return std::nullopt;
  const auto& state =
      static_cast<const FloatSquaresState&>(state_of(input, Family::Squares));
  if (state.has_nan()) return std::numeric_limits<double>::quiet_NaN();
  if (state.has_infinity()) return of_infinity;
  return std::nullopt;
}

Result<FinishedValue> finish_squares(const Reducer& reducer, const FinishInput& input) {
  constexpr double kInfinity = std::numeric_limits<double>::infinity();
  if (const auto special = special_of_squares(input, kInfinity))
    return FinishedValue(*special);
  if (reducer.name == "norm2") return FinishedValue(rounded_norm(squares_of(input)));
  if (model::is_float(input.type)) return FinishedValue(squares_of(input).rounded());
  const State& state = state_of(input, Family::Squares);
  if (const auto total = static_cast<const IntegerSquaresState&>(state).total())
    return FinishedValue(*total);
  return Error(Errc::NoValue, "overflow",
               "the exact sum of squares is beyond 128 bits (2^127 - 1); norm2, its "
               "square root as f64, has no such limit")
      .with("reducer", std::string(reducer.name));
}

Result<FinishedValue> finish_spread(const Reducer& reducer, const FinishInput& input) {
  const Result<std::uint64_t> ddof = ddof_of(reducer.name, input.args);
  if (!ddof) return ddof.error();
  const std::uint64_t kept = input.counts->kept;
  if (kept <= *ddof) {
    return Error(Errc::NoValue, "no_value",
                 std::string(reducer.name) + " of " + std::to_string(kept) +
                     (kept == 1 ? " element" : " elements") + " with ddof " +
                     std::to_string(*ddof) + " has no value: it divides by the count " +
                     "less ddof")
        .with("reducer", std::string(reducer.name));
  }
  if (const auto special =
          special_of_squares(input, std::numeric_limits<double>::quiet_NaN()))
    return FinishedValue(*special);
  const auto rounded = reducer.name == "var" ? rounded_variance : rounded_deviation;
  const auto value = rounded(exact_sum_of(input), squares_of(input), kept, *ddof);
  if (value) return FinishedValue(*value);
  // States may come from another process: believe neither them nor the counts alone.
  return Error(Errc::Internal, "bad_state",
               "no elements of that number have that sum and that sum of squares");
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

Result<FinishedValue> finish_bits(const Reducer& reducer, const FinishInput& input) {
  const auto& state = static_cast<const BitsState&>(state_of(input, Family::Bits));
  if (reducer.name == "any") return FinishedValue(Int128{state.any()});
  if (reducer.name == "all") return FinishedValue(Int128{state.all()});
  if (reducer.name == "and") return FinishedValue(state.conjunction());
  if (reducer.name == "or") return FinishedValue(state.disjunction());
  return FinishedValue(state.difference());
}

Result<FinishedValue> finish_product(const FinishInput& input) {
  const State& state = state_of(input, Family::Product);
  const auto value = static_cast<const ProductState&>(state).value();
  if (value) return FinishedValue(*value);
  return Error(Errc::NoValue, "overflow",
               "the exact product is beyond 128 bits (-2^127 to 2^127 - 1); a sum of "
               "logarithms, which a kernel can compute, has no such limit")
      .with("reducer", "prod");
}

Result<FinishedValue> finish_dot(const FinishInput& input) {
  const State& state = state_of(input, Family::Dot);
  if (model::is_float(input.type))
    return FinishedValue(static_cast<const FloatDotState&>(state).value());
  if (const auto total = static_cast<const IntegerDotState&>(state).total())
    return FinishedValue(*total);
  return Error(Errc::NoValue, "overflow",
               "the exact sum of products is beyond 128 bits (-2^127 to 2^127 - 1); "
               "that of the same numbers as f64 has no such limit")
      .with("reducer", "dot");
}

Result<FinishedValue> finish_histogram(const FinishInput& input) {
  TALLY_CHECK(input.histogram != nullptr);
  const auto& state = static_cast<const HistogramState&>(*input.histogram);
  // States may come from another process: what they counted must be what was seen.
  if (state.elements() != input.counts->kept) {
    return Error(Errc::Internal, "bad_state",
                 "a histogram of " + std::to_string(input.counts->kept) +
                     " elements has counted " + std::to_string(state.elements()));
  }
  return FinishedValue(state.histogram());
}

}  // namespace

std::span<const Reducer> all_reducers() {
  constexpr std::string_view kNoBits =
      "combines bits, and what becomes of a float's is no number (any and all do take "
      "floats)";
  constexpr std::string_view kNoProduct =
      "is exact, and the exact product of floats has 53 bits more with each of them: "
      "no state of bounded size holds it, and rounding on the way would make the "
      "result "
      "depend on the order (a kernel of one's own may sum their logarithms)";
  // Never destroyed: threads may run on while a host program exits.
  static const auto& kReducers = *new std::array<Reducer, 21>{{
      {"count", "how many elements there are", {}, false},
      {"sum", "the exact sum", {Family::Sum}},
      {"mean", "the exact sum divided by the count", {Family::Sum}},
      {"min", "the least element", {Family::Extremes}},
      {"max", "the greatest element", {Family::Extremes}},
      {"argmin", "where the least element is first", {Family::Extremes}},
      {"argmax", "where the greatest element is first", {Family::Extremes}},
      {"sumsq", "the exact sum of the squares", {Family::Squares}},
      {"var",
       "the variance; var(1) divides by one less",
       {Family::Sum, Family::Squares}},
      {"std", "the square root of the variance", {Family::Sum, Family::Squares}},
      {"norm2", "the square root of the sum of squares", {Family::Squares}},
      {"any", "1 if an element is not zero, else 0", {Family::Bits}},
      {"all", "1 if no element is zero, else 0", {Family::Bits}},
      {"and", "the bits that are set in all elements", {Family::Bits}, true, kNoBits},
      {"or", "the bits that are set in any element", {Family::Bits}, true, kNoBits},
      {"xor", "the bits that are set in an odd number", {Family::Bits}, true, kNoBits},
      {"prod", "the exact product", {Family::Product}, true, kNoProduct},
      {"histogram", "how many elements each bin has", {}, true, {}, true},
      {"median",
       "the element in the middle, or half-way between two",
       {},
       true,
       {},
       false,
       true},
      {"quantile", "what a part q of the elements is below", {}, true, {}, false, true},
      {"dot",
       "the exact sum of the products of two columns or arrays",
       {Family::Dot},
       true,
       {},
       false,
       false,
       true},
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
  if (reducer->has_bins) {
    if (const auto bins = parse_histogram_bins(spec.args); !bins) return bins.error();
    return reducer;
  }
  if (reducer->is_quantile) {
    if (const auto quantiles = quantiles_of(spec); !quantiles) return quantiles.error();
    return reducer;
  }
  if (reducer->of_pairs) {
    if (const auto columns = paired_columns(spec); !columns) return columns.error();
    return reducer;
  }
  if (takes_ddof(*reducer)) {
    const Result<std::uint64_t> ddof = ddof_of(spec.name, spec.args);
    if (!ddof) return ddof.error();
  } else if (!spec.args.empty()) {
    return Error(Errc::InvalidArgument, "bad_argument",
                 "reducer '" + spec.name + "' takes no argument, and was given '" +
                     spec.args.front() + "'; a column is written " + spec.name + ":" +
                     spec.args.front())
        .with("reducer", spec.name);
  }
  return reducer;
}

Result<std::vector<std::string>> paired_columns(const model::ReducerSpec& spec) {
  std::vector<std::string> columns;
  for (std::string_view name : spec.args) {
    while (name.starts_with(' ')) name.remove_prefix(1);
    while (name.ends_with(' ')) name.remove_suffix(1);
    columns.emplace_back(name);
  }
  const bool named =
      std::ranges::none_of(columns, [](const auto& name) { return name.empty(); });
  if (named && (columns.empty() || columns.size() == 2) && spec.column.empty())
    return columns;
  return Error(Errc::InvalidArgument, "bad_argument",
               "'" + spec.name +
                   "' takes two columns, by name or number, and was given " +
                   (spec.column.empty() ? std::to_string(columns.size())
                                        : "'" + spec.column + "' behind a colon") +
                   "; write " + spec.name + "(price,qty), or " + spec.name +
                   " alone over two arrays")
      .with("reducer", spec.name);
}

Result<void> check_type(const Reducer& reducer, model::ElementType type) {
  if (!model::is_float(type) || reducer.no_floats.empty()) return {};
  const std::string name(reducer.name);
  return Error(Errc::InvalidArgument, "reducer_type",
               name + " takes integers (i8 to u64), and the elements are " +
                   std::string(name_of(type)) + ": " + name + " " +
                   std::string(reducer.no_floats) +
                   "; csv and text files of whole numbers can be read as integers, "
                   "with --dtype i64")
      .with("reducer", name)
      .with("type", std::string(name_of(type)));
}

Result<FinishedValue> finish(const Reducer& reducer, const FinishInput& input) {
  const std::uint64_t kept = input.counts->kept;
  if (reducer.name == "count") return FinishedValue(Int128{kept});
  if (reducer.name == "sum") return finish_sum(input);
  if (reducer.name == "sumsq" || reducer.name == "norm2")
    return finish_squares(reducer, input);
  if (reducer.has_bins) return finish_histogram(input);
  if (reducer.of_pairs) return finish_dot(input);
  if (reducer.name == "prod") return finish_product(input);
  if (reducer.families == std::vector{Family::Bits}) return finish_bits(reducer, input);
  if (kept == 0) return no_value(reducer);
  if (takes_ddof(reducer)) return finish_spread(reducer, input);
  if (reducer.name == "mean") return finish_mean(input);
  return finish_extreme(reducer, input);
}

}  // namespace tally::reduce

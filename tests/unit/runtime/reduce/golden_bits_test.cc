// Each reducer's result over fixed inputs, to the bit, as tests/golden/reduce/bits.txt
// has it: with every instruction set that this machine has, and whatever compiler made
// this. TALLY_UPDATE_GOLDEN=1 writes the file anew.
#include <gtest/gtest.h>

#include <bit>
#include <cstdlib>
#include <fstream>
#include <iomanip>
#include <sstream>
#include <string>
#include <utility>
#include <vector>

#include "ipc/base/float_environment.h"
#include "ipc/base/int128.h"
#include "ipc/model/element_type.h"
#include "runtime/reduce/histogram_bins.h"
#include "runtime/reduce/histogram_state.h"
#include "runtime/reduce/reducers.h"
#include "tests/unit/runtime/reduce/inputs.h"
#include "tests/unit/runtime/reduce/pairs.h"
#include "tests/unit/runtime/reduce/quantile_rounds.h"
#include "tests/unit/runtime/reduce/targets.h"

namespace tally::reduce::testing {
namespace {

std::string hexadecimal(std::uint64_t bits, int digits) {
  std::ostringstream out;
  out << std::hex << std::setfill('0') << std::setw(digits) << bits;
  return out.str();
}

std::string text_of(const FinishedValue& value) {
  if (const auto* integer = std::get_if<Int128>(&value)) {
    const auto bits = static_cast<UInt128>(*integer);
    return hexadecimal(static_cast<std::uint64_t>(bits >> 64), 16) +
           hexadecimal(static_cast<std::uint64_t>(bits), 16);
  }
  if (const auto* f64 = std::get_if<double>(&value))
    return hexadecimal(std::bit_cast<std::uint64_t>(*f64), 16);
  if (const auto* f32 = std::get_if<float>(&value))
    return hexadecimal(std::bit_cast<std::uint32_t>(*f32), 8);
  if (const auto* position = std::get_if<Position>(&value))
    return std::to_string(position->file) + ":" + std::to_string(position->index);
  const auto& histogram = std::get<model::Histogram>(value);
  std::string text = std::to_string(histogram.underflow);
  for (const std::uint64_t count : histogram.counts)
    text += " " + std::to_string(count);
  return text + " " + std::to_string(histogram.overflow) + " " +
         std::to_string(histogram.nan);
}

std::vector<std::vector<std::string>> arguments_of(const Reducer& reducer) {
  if (reducer.has_bins) return {{"8", "-100", "100"}, {"edges=-1e300", "-1", "0", "7"}};
  if (reducer.name == "quantile") return {{"0.3"}, {"0.75", "lower"}};
  if (reducer.name == "var" || reducer.name == "std") return {{}, {"1"}};
  return {{}};
}

template <typename T>
std::string line_of(const Reducer& reducer, const std::vector<std::string>& args,
                    const std::vector<T>& values) {
  if (reducer.is_quantile) {
    model::ReducerSpec spec;
    spec.name = reducer.name;
    spec.args = args;
    const auto value = searched(*quantiles_of(spec), values).value(0);
    return value ? text_of(*value) : std::string(value.error().code());
  }
  std::vector<std::unique_ptr<State>> states;
  for (const Family family : reducer.families)
    states.push_back(reducer.of_pairs ? dot_over(values, reversed(values))
                                      : state_over(family, values));
  model::ElementCounts counts;
  counts.seen = counts.kept = values.size();
  FinishInput input{type_of<T>(), &counts, states, args, nullptr};
  std::unique_ptr<HistogramState> histogram;
  if (reducer.has_bins) {
    histogram =
        std::make_unique<HistogramState>(*parse_histogram_bins(args), type_of<T>());
    feed(*histogram, std::span<const T>(values), 0, values.size());
    input.histogram = histogram.get();
  }
  const auto value = finish(reducer, input);
  return value ? text_of(*value) : std::string(value.error().code());
}

// Values of one size, and those that cancel in part.
template <typename T>
std::vector<T> mild(std::size_t count) {
  std::mt19937_64 random(count);
  std::vector<T> values;
  for (std::size_t i = 0; i < count; ++i) {
    const auto step = static_cast<std::int64_t>(random() % 2001) - 1000;
    if constexpr (std::is_floating_point_v<T>)
      values.push_back(static_cast<T>(static_cast<double>(step) / 7));
    else
      values.push_back(static_cast<T>(step));
  }
  return values;
}

template <typename T>
void append_type(std::string& into) {
  const ElementType type = type_of<T>();
  const std::string name(model::name_of(type));
  std::vector<std::pair<std::vector<T>, std::vector<T>>> inputs;
  for (const std::size_t size : {0U, 1U, 17U, 1024U, 40'000U})
    inputs.emplace_back(hostile<T>(size, 5), mild<T>(size));
  for (const Reducer& reducer : all_reducers()) {
    if (!check_type(reducer, type)) continue;
    for (const auto& args : arguments_of(reducer)) {
      std::string call(reducer.name);
      for (const std::string& arg : args) call += " " + arg;
      for (const auto& [hard, easy] : inputs) {
        const std::string of = " " + name + " " + std::to_string(hard.size()) + ": ";
        into += call + " hostile" + of + line_of(reducer, args, hard) + "\n";
        into += call + " mild" + of + line_of(reducer, args, easy) + "\n";
      }
    }
  }
}

std::string all_lines() {
  const FloatEnvironment exact;
  std::string lines;
  append_type<std::int8_t>(lines);
  append_type<std::int16_t>(lines);
  append_type<std::int32_t>(lines);
  append_type<std::int64_t>(lines);
  append_type<std::uint8_t>(lines);
  append_type<std::uint16_t>(lines);
  append_type<std::uint32_t>(lines);
  append_type<std::uint64_t>(lines);
  append_type<float>(lines);
  append_type<double>(lines);
  return lines;
}

TEST(GoldenBits, AreTheSameWithEveryTarget) {
  const std::string path = TALLY_GOLDEN_BITS;
  if (std::getenv("TALLY_UPDATE_GOLDEN") != nullptr) std::ofstream(path) << all_lines();
  std::stringstream golden;
  golden << std::ifstream(path).rdbuf();
  ASSERT_GT(golden.str().size(), 10'000U);
  for_each_target([&](std::int64_t target) {
    std::istringstream mine(all_lines());
    std::istringstream theirs(golden.str());
    for (std::string ours, known; std::getline(theirs, known);) {
      ASSERT_TRUE(std::getline(mine, ours));
      ASSERT_EQ(ours, known) << hwy::TargetName(target);
    }
    std::string more;
    EXPECT_FALSE(std::getline(mine, more)) << more << " is not in the file";
  });
}

}  // namespace
}  // namespace tally::reduce::testing

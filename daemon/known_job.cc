#include "daemon/known_job.h"

#include <array>
#include <bit>
#include <charconv>
#include <cstdint>
#include <span>

namespace tally::daemon {
namespace {

// Adding up one after the other loses the small ones.
constexpr std::array<double, 4> kValues{1e100, 1.0, -1e100, 0.5};

struct KnownAnswer {
  const char* reducer;
  model::Value value;
};

const std::array<KnownAnswer, 6>& known_answers() {
  static const std::array<KnownAnswer, 6> answers{
      {{"count", Int128{4}},
       {"sum", 1.5},
       {"mean", 0.375},
       {"min", -1e100},
       {"max", 1e100},
       {"argmin", model::ElementIndex{std::nullopt, 2}}}};
  return answers;
}

bool same_bits(const model::Value& one, const model::Value& other) {
  const auto* left = std::get_if<double>(&one);
  const auto* right = std::get_if<double>(&other);
  if (left == nullptr || right == nullptr) return one == other;
  return std::bit_cast<std::uint64_t>(*left) == std::bit_cast<std::uint64_t>(*right);
}

std::string text_of(const model::Value& value) {
  const auto* number = std::get_if<double>(&value);
  if (number == nullptr) return "something else";
  std::array<char, 32> text{};
  const auto end = std::to_chars(text.data(), text.data() + text.size(), *number).ptr;
  return {text.data(), end};
}

}  // namespace

model::JobSpec known_job(model::Path path) {
  model::JobSpec spec;
  for (const KnownAnswer& known : known_answers())
    spec.reducers.push_back({known.reducer, {}, "", known.reducer});
  const auto bytes = std::as_bytes(std::span(kValues));
  spec.source =
      model::ValuesSource{model::ElementType::F64, {bytes.begin(), bytes.end()}};
  spec.path = path;
  return spec;
}

std::string mistake_in(const model::JobAnswer& answer) {
  const auto& known = known_answers();
  if (answer.results.size() != known.size())
    return std::to_string(answer.results.size()) + " results came, not " +
           std::to_string(known.size());
  for (std::size_t i = 0; i < known.size(); ++i) {
    const model::ReducerResult& result = answer.results[i];
    if (result.error)
      return std::string(known[i].reducer) + ": " + result.error->message();
    if (!same_bits(result.value, known[i].value))
      return std::string(known[i].reducer) + " of the canary gave " +
             text_of(result.value) + ", which is not the known answer";
  }
  return "";
}

}  // namespace tally::daemon

// Every instruction set that this machine has gives the same bits.
#include <gtest/gtest.h>

#include "runtime/reduce/histogram_state.h"
#include "runtime/reduce/moments_update.h"
#include "tests/unit/runtime/reduce/inputs.h"
#include "tests/unit/runtime/reduce/pairs.h"
#include "tests/unit/runtime/reduce/tame.h"
#include "tests/unit/runtime/reduce/targets.h"

namespace tally::reduce::testing {
namespace {

template <typename T>
void append_states(std::vector<std::byte>& into) {
  for (const Family family : families_of(type_of<T>()))
    for (const std::size_t size : kSizes)
      state_over(family, hostile<T>(size, size))->serialise(into);
  const std::vector<model::HistogramBins> sundry{{300, -64, 86, {}},
                                                 {3, -1, 100, {-1, 0.25, 7, 100}}};
  for (const model::HistogramBins& bins : sundry) {
    for (const std::size_t size : kSizes) {
      HistogramState state(bins, type_of<T>());
      const std::vector<T> values = hostile<T>(size, size);
      feed(state, std::span<const T>(values), 0, size);
      state.serialise(into);
    }
  }
}

// A column's sum, extremes and squares, updated together as far as that goes.
template <typename T>
void append_together(const std::vector<T>& values, std::vector<std::byte>& into) {
  std::vector<std::unique_ptr<State>> states;
  for (const Family family : {Family::Sum, Family::Extremes, Family::Squares})
    states.push_back(make_state(family, type_of<T>()));
  const Block block{values.data(), values.size(), 0, 0, nullptr};
  const std::size_t together = update_moments(states, block);
  for (const auto& state : states) {
    state->update(part_of(block, together, block.count - together, type_of<T>()));
    state->serialise(into);
  }
}

// With elements of like and of unlike sizes.
template <typename T>
void append_dots(const std::vector<T>& values, std::vector<std::byte>& into) {
  dot_over(values, reversed(values))->serialise(into);
  dot_over(values, tame<T>(values.size(), -40, 3))->serialise(into);
}

std::vector<std::byte> all_states() {
  std::vector<std::byte> bytes;
  append_states<std::int8_t>(bytes);
  append_states<std::int16_t>(bytes);
  append_states<std::int32_t>(bytes);
  append_states<std::int64_t>(bytes);
  append_states<std::uint8_t>(bytes);
  append_states<std::uint16_t>(bytes);
  append_states<std::uint32_t>(bytes);
  append_states<std::uint64_t>(bytes);
  append_states<float>(bytes);
  append_states<double>(bytes);
  for (const int spread : {0, 30, 60, 100, 140, 400}) {
    for (const Family family : {Family::Sum, Family::Squares}) {
      state_over(family, tame<double>(40'000, 0, spread))->serialise(bytes);
      state_over(family, tame<float>(40'000, 0, spread))->serialise(bytes);
    }
    append_dots(tame<double>(40'000, 0, spread), bytes);
    append_dots(tame<float>(40'000, 0, spread), bytes);
    append_together(tame<double>(40'000, 0, spread), bytes);
    append_together(tame<float>(40'000, 0, spread), bytes);
  }
  for (const std::uint64_t count : {0U, 1U, 47U, 48U, 64U, 1000U, 100'003U})
    for (const Family family : families_of(ElementType::I64)) {
      if (family == Family::Dot) continue;  // a range has no pairs
      const auto state = make_state(family, ElementType::I64);
      state->update_range({-(std::int64_t{1} << 62), 1'000'003, count, 0});
      state->serialise(bytes);
    }
  return bytes;
}

TEST(TargetsTest, EveryTargetGivesTheSameBits) {
  const std::vector<std::byte> expected = all_states();
  const int tried = for_each_target([&](std::int64_t target) {
    EXPECT_EQ(all_states() == expected, true) << hwy::TargetName(target);
  });
  EXPECT_GE(tried, 1);
}

}  // namespace
}  // namespace tally::reduce::testing

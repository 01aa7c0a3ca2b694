// Pairs of elements, for the tests of states of columns of pairs.
#pragma once

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <cstdlib>
#include <memory>
#include <span>
#include <vector>

#include "tests/unit/runtime/reduce/inputs.h"

namespace tally::reduce::testing {

// Feeds pairs [begin, end) as one block.
template <typename T>
void feed_pairs(State& state, std::span<const T> x, std::span<const T> y,
                std::size_t begin, std::size_t end) {
  Block block;
  block.data = x.data() + begin;
  block.paired = y.data() + begin;
  block.count = end - begin;
  block.first_index = begin;
  if (state.update(block) != end - begin) std::abort();
}

template <typename T>
std::unique_ptr<State> dot_over(const std::vector<T>& x, const std::vector<T>& y) {
  auto state = make_state(Family::Dot, type_of<T>());
  feed_pairs(*state, std::span<const T>(x), std::span<const T>(y), 0, x.size());
  return state;
}

template <typename T>
std::vector<T> reversed(const std::vector<T>& values) {
  return {values.rbegin(), values.rend()};
}

}  // namespace tally::reduce::testing

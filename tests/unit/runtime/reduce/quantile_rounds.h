// A search for quantiles over values, without jobs: round after round.
#pragma once

#include <gtest/gtest.h>

#include <limits>
#include <memory>
#include <span>
#include <utility>
#include <vector>

#include "runtime/reduce/quantile_search.h"
#include "tests/unit/runtime/reduce/inputs.h"

namespace tally::reduce::testing {

using Windows = std::vector<model::KeyWindow>;

inline constexpr std::uint64_t kNotKnown = std::numeric_limits<std::uint64_t>::max();

// One round over the values, in two partials that go through bytes.
template <typename T>
Result<void> run_round(QuantileSearch& search, const Windows& windows,
                       std::span<const T> values) {
  States merged;
  const std::size_t cut = values.size() / 3;
  for (const model::KeyWindow& window : windows) {
    merged.push_back(std::make_unique<RanksState>(window, type_of<T>()));
    for (const auto& [begin, end] :
         {std::pair{cut, values.size()}, {std::size_t{0}, cut}}) {
      RanksState part(window, type_of<T>());
      feed(part, values, begin, end);
      RanksState copy(window, type_of<T>());
      EXPECT_TRUE(copy.deserialise(part.version(), bytes_of(part)));
      merged.back()->merge(copy);
    }
  }
  return search.narrow(merged, values.size());
}

template <typename T>
Windows first_windows_of(const std::vector<Quantile>& wanted,
                         std::span<const std::int64_t> sample, std::uint64_t most) {
  return first_windows(type_of<T>(), wanted, sample, most, kept_of_each(wanted.size()));
}

// A search that is done. `sample`: as first_windows() has it; `most`: elements.
template <typename T>
QuantileSearch searched(const std::vector<Quantile>& wanted,
                        const std::vector<T>& values,
                        std::span<const std::int64_t> sample = {},
                        std::uint64_t most = kNotKnown) {
  QuantileSearch search(type_of<T>(), wanted, kept_of_each(wanted.size()));
  Windows windows = first_windows_of<T>(wanted, sample, most);
  std::size_t taken = 0;
  for (; !search.done(); ++taken) {
    EXPECT_TRUE(run_round(search, windows, std::span<const T>(values)));
    windows.assign(search.windows().begin(), search.windows().end());
  }
  EXPECT_LE(taken, most != kNotKnown ? 1U : 8U);
  return search;
}

}  // namespace tally::reduce::testing

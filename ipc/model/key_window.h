// KeyWindow: the part of the order keys (runtime/reduce/order_key.h) that a round of a
// search for quantiles looks at.
#pragma once

#include <compare>
#include <cstdint>

namespace tally::model {

// No window keeps more elements: 2 MiB of a state.
inline constexpr std::uint32_t kMostKeptKeys = 1 << 18;

// The keys from `least` to `greatest`, both included. Of those in it a round counts how
// many are in each of a few thousand buckets; or else it keeps them, each one, and
// becomes narrower where they are too many.
struct KeyWindow {
  std::int64_t least = 0;
  std::int64_t greatest = 0;
  // 0: buckets.
  std::uint32_t most_kept = 0;
  // Around what it becomes narrower: the share of all elements that come before it, in
  // units of 10^-19 (reduce/quantile.h).
  std::uint64_t aim = 0;

  bool keeps() const { return most_kept != 0; }
  friend auto operator<=>(const KeyWindow&, const KeyWindow&) = default;
};

}  // namespace tally::model

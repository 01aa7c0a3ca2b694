// KeyWindow: the part of the order keys (runtime/reduce/order_key.h) that a round of a
// search for quantiles looks at.
#pragma once

#include <compare>
#include <cstdint>

namespace tally::model {

// The keys from `least` to `greatest`, both included. Of those in it a round counts how
// many are in each of a few thousand buckets, or else keeps them, each one.
struct KeyWindow {
  std::int64_t least = 0;
  std::int64_t greatest = 0;
  bool keeps = false;
  friend auto operator<=>(const KeyWindow&, const KeyWindow&) = default;
};

}  // namespace tally::model

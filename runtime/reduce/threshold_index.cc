#include "runtime/reduce/threshold_index.h"

#include <algorithm>
#include <bit>
#include <limits>

namespace tally::reduce {
namespace {

constexpr int kStretchesBits = 10;
constexpr std::size_t kCellsPerThreshold = 4;
constexpr std::size_t kMostOneByOne = 4;  // for more, a binary search

}  // namespace

ThresholdIndex::ThresholdIndex(std::span<const std::int64_t> thresholds) {
  constexpr std::int64_t kLeast = std::numeric_limits<std::int64_t>::min();
  if (!thresholds.empty()) {
    lowest_ = thresholds.front() == kLeast ? kLeast : thresholds.front() - 1;
    highest_ = thresholds.back();
  }
  const auto place_of = [this](std::int64_t key) {
    return static_cast<std::uint64_t>(key) - static_cast<std::uint64_t>(lowest_);
  };
  const std::uint64_t last_place = place_of(highest_);
  const int place_bits = static_cast<int>(std::bit_width(last_place));
  stretch_bits_ = static_cast<unsigned>(std::max(place_bits - kStretchesBits, 0));

  std::vector<std::size_t> below;  // for each cell, thresholds below it
  std::size_t counted = 0, fullest = 0;
  for (std::uint64_t i = 0; i <= last_place >> stretch_bits_; ++i) {
    const auto stretch_of = [&](std::size_t threshold) {
      return place_of(thresholds[threshold]) >> stretch_bits_;
    };
    std::size_t end = counted;
    while (end < thresholds.size() && stretch_of(end) == i) ++end;
    const std::size_t wanted = std::bit_ceil((end - counted) * kCellsPerThreshold);
    const auto split =
        std::min(static_cast<unsigned>(std::countr_zero(wanted)), stretch_bits_);
    const unsigned cell_bits = stretch_bits_ - split;
    const std::uint64_t before = i << split;
    stretches_.push_back(
        {static_cast<std::uint32_t>(below.size() - before), cell_bits});
    for (std::uint64_t cell = before; cell < (i + 1) << split; ++cell) {
      // All that are in the cell have reached its first key.
      while (counted < end && place_of(thresholds[counted]) == cell << cell_bits)
        ++counted;
      below.push_back(counted);
      while (counted < end && place_of(thresholds[counted]) >> cell_bits == cell)
        ++counted;
      fullest = std::max(fullest, counted - below.back());
    }
  }
  padding_ = static_cast<std::ptrdiff_t>(fullest <= kMostOneByOne
                                             ? std::max(fullest, std::size_t{1})
                                             : std::bit_ceil(fullest + 1) - 1);
  padded_.assign(static_cast<std::size_t>(padding_), 0);
  for (const std::int64_t threshold : thresholds)
    padded_.push_back(place_of(threshold));
  const std::ptrdiff_t latest =
      static_cast<std::ptrdiff_t>(thresholds.size()) - padding_;
  for (const std::size_t sure : below)
    cells_.push_back(
        static_cast<std::int32_t>(std::min(static_cast<std::ptrdiff_t>(sure), latest)));
}

}  // namespace tally::reduce

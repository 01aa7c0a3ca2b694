// Where elements fall among bins of even width, on Highway, dispatched at run time.
#pragma once

#include <cstddef>
#include <cstdint>

namespace tally::reduce {

// Slots of a histogram of n bins: 0 below the first edge, 1 to n the bins, n + 1 above
// the last edge.
struct EvenBins {
  double lo = 0;
  double bins_per_unit = 0;  // 1 / width
  double count = 0;          // n
  // How far from a whole number, in bins, a computed place must be to be trusted.
  double margin = 0;
};

// Where it would be wrong to trust the place computed, or the element is a NaN.
inline constexpr std::uint64_t unsure_slot(const EvenBins& even) {
  return static_cast<std::uint64_t>(even.count) + 3;
}

// slots[i]: that of values[i], or unsure_slot(). Rounds to nearest.
void place_evenly(const double* values, std::size_t count, const EvenBins& even,
                  std::uint64_t* slots);

}  // namespace tally::reduce

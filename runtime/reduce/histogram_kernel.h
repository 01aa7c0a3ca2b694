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

// slots[i]: that of values[i]; or n + 3 + e, if the place computed is not to be trusted
// for it is at edge e, 0 to n; for a NaN e is n + 1. True if one is n + 3 or more.
// Precondition: rounding is to nearest.
bool place_evenly(const double* values, std::size_t count, const EvenBins& even,
                  std::uint64_t* slots);

// How far the order keys (order_key.h) of the values are above `least`; of those below
// it 0, of those above `greatest` as if they were that. Gives whether a value is NaN:
// its place is one of the two.
bool places_between(const double* values, std::size_t count, std::int64_t least,
                    std::int64_t greatest, std::uint64_t* places);

}  // namespace tally::reduce

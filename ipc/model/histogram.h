// What a histogram is asked for, and what it is.
#pragma once

#include <cstdint>
#include <vector>

namespace tally::model {

// The bins of one column: between `edges`, ascending, or, where there are none, `count`
// of the same width from lo to hi.
struct HistogramBins {
  std::uint32_t count = 0;  // edges.size() - 1, if there are edges
  double lo = 0;
  double hi = 0;
  std::vector<double> edges;
  friend bool operator==(const HistogramBins&, const HistogramBins&) = default;
};

// counts[i] elements are in [edges[i], edges[i + 1]), the last edge included.
struct Histogram {
  std::vector<double> edges;  // one more than counts
  std::vector<std::uint64_t> counts;
  std::uint64_t underflow = 0;  // elements below the first edge
  std::uint64_t overflow = 0;   // above the last
  std::uint64_t nan = 0;
  friend bool operator==(const Histogram&, const Histogram&) = default;
};

}  // namespace tally::model

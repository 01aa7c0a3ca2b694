// The bins of a histogram: read from a reducer's arguments, and their edges.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "ipc/base/result.h"
#include "ipc/model/histogram.h"

namespace tally::reduce {

// A state has 8 bytes a bin, and crosses processes once a chunk; so has an answer. All
// histograms of a job may have so many bins together.
inline constexpr std::size_t kMostBins = 65'536;
// Edges one by one go out with every chunk's task.
inline constexpr std::size_t kMostEdges = 4096;

// `args` is BINS, LO, HI in this order or as bins=, lo=, hi= in any; or the edges, the
// first behind "edges=". Edges are finite but for the outermost, ascending, and no two
// are equal, not even once they are rounded. Errors: InvalidArgument "bad_argument".
Result<model::HistogramBins> parse_histogram_bins(std::span<const std::string> args);

// edges[i] is lo + i * (hi - lo) / count as a real number, correctly rounded; so the
// first is lo, the last hi.
std::vector<double> edges_of(const model::HistogramBins& bins);

}  // namespace tally::reduce

// HistogramPlaces: which bin an element is in, exactly, for elements of any type.
//
// An edge is compared with elements as the real numbers that both are. That is done
// once, for each edge: in the order of the type's keys (order_key.h) there is a least
// one that is at or above the edge, and the number of such thresholds that an element's
// key has reached is its slot. 0.5 cuts integers at 1; an edge of 0 has -0 above it. A
// float is looked up as the double that it is.
//
// Bins of even width are first computed in floating point. With u = 2^-53, M the larger
// of |lo| and |hi| and w the width: the difference, the factor and the product leave a
// place t <= n + 1 bins wrong by at most 5u(n + 1); the edge itself is wrong by uM, and
// so is an integer made a double, which is 2uM/w bins. Places within `margin`, which is
// more than all of that, of a whole number are compared with that edge's threshold.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <vector>

#include "ipc/model/element_type.h"
#include "ipc/model/histogram.h"
#include "runtime/reduce/histogram_kernel.h"
#include "runtime/reduce/threshold_index.h"

namespace tally::reduce {

class HistogramPlaces {
 public:
  HistogramPlaces(const model::HistogramBins& bins, model::ElementType type);

  // Adds each element to its counter: 0 below the first edge, 1 to n the bins, n + 1
  // above the last edge, n + 2 NaN. Gives how many the loop visited. T is the C++ type
  // of `type`.
  template <typename T>
  std::size_t count(const T* data, std::size_t size, std::uint64_t* counters) const;

 private:
  // T is no float: these are made doubles.
  template <typename T>
  void place(const T* block, std::size_t count, std::uint64_t* slots) const;
  template <typename T>
  void look_up(const T* block, std::size_t count, std::uint64_t* slots) const;
  template <typename T>
  void compute(const T* block, std::size_t count, std::uint64_t* slots) const;

  const std::size_t bins_;
  std::vector<std::int64_t> thresholds_;  // as many as there are keys for; ascending
  std::optional<EvenBins> even_;
  std::optional<ThresholdIndex> index_;  // if there are no even_
};

}  // namespace tally::reduce

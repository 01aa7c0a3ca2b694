#include "runtime/reduce/histogram_places.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <concepts>
#include <limits>

#include "ipc/base/int128.h"
#include "runtime/reduce/histogram_bins.h"
#include "runtime/reduce/order_key.h"

namespace tally::reduce {
namespace {

// As what elements are compared with edges: all floats as doubles.
template <typename T>
using Compared = std::conditional_t<std::floating_point<T>, double, T>;

// The least key of a T that is at or above the edge, or, where `beyond`, above it; none
// if there is no such T. Precondition: the edge is no NaN.
template <std::same_as<double> T>
std::optional<std::int64_t> threshold(double edge, bool beyond) {
  constexpr double kInfinity = std::numeric_limits<double>::infinity();
  if (!beyond) return order_key(edge == 0 ? -0.0 : edge);
  if (edge == kInfinity) return std::nullopt;
  return order_key(std::nextafter(edge, kInfinity));
}

template <std::integral T>
std::optional<std::int64_t> threshold(double edge, bool beyond) {
  using Limits = std::numeric_limits<T>;
  const double whole = beyond ? std::floor(edge) : std::ceil(edge);
  // Beyond these lie no integers of the type, and Int128 has no place for infinities.
  if (whole < -0x1p64) return order_key(Limits::min());
  if (whole > 0x1p64) return std::nullopt;
  const Int128 least = static_cast<Int128>(whole) + (beyond ? 1 : 0);
  if (least > Int128{Limits::max()}) return std::nullopt;
  return order_key(static_cast<T>(std::max(least, Int128{Limits::min()})));
}

template <typename T>
bool is_nan(T element) {
  if constexpr (std::floating_point<T>) return std::isnan(element);
  return false;
}

std::optional<EvenBins> even_bins(const model::HistogramBins& bins) {
  if (!bins.edges.empty()) return std::nullopt;
  constexpr double kUnit = 0x1p-53;
  const double count = bins.count;
  const double span = bins.hi - bins.lo;
  const double width = span / count;
  const double most = std::max(std::fabs(bins.lo), std::fabs(bins.hi));
  // Where widths are subnormal or a difference overflows, the bounds do not hold.
  if (!std::isfinite(span) || width < 0x1p-900) return std::nullopt;
  const double margin = 8 * kUnit * (count + 1) + 4 * kUnit * (most / width);
  if (!(margin < 0.125)) return std::nullopt;
  return EvenBins{bins.lo, count / span, count, margin};
}

constexpr std::size_t kBlock = 512;  // values and slots of a block stay in L1

// Counters that are added to again at once wait for themselves: runs of one slot go in
// fours.
std::size_t add_up(const std::uint64_t* slots, std::size_t count,
                   std::uint64_t* counters) {
  std::size_t i = 0;
  for (; i + 4 <= count; i += 4) {
    const std::uint64_t a = slots[i], b = slots[i + 1], c = slots[i + 2],
                        d = slots[i + 3];
    if (((a ^ b) | (b ^ c) | (c ^ d)) == 0) {
      counters[a] += 4;
    } else {
      ++counters[a];
      ++counters[b];
      ++counters[c];
      ++counters[d];
    }
  }
  for (; i < count; ++i) ++counters[slots[i]];
  return i;
}

}  // namespace

HistogramPlaces::HistogramPlaces(const model::HistogramBins& bins,
                                 model::ElementType type)
    : bins_(bins.count), even_(even_bins(bins)) {
  const std::vector<double> edges = edges_of(bins);
  thresholds_.reserve(edges.size());
  model::with_type(type, [&](auto zero) {
    for (const double& edge : edges) {
      const auto key =
          threshold<Compared<decltype(zero)>>(edge, &edge == &edges.back());
      if (!key) break;  // nor for any edge that follows
      thresholds_.push_back(*key);
    }
  });
  if (!even_) index_.emplace(thresholds_);
}

// Two loops, of which the first goes by vectors.
template <typename T>
void HistogramPlaces::look_up(const T* block, std::size_t count,
                              std::uint64_t* slots) const {
  std::array<std::uint64_t, kBlock> places;
  const std::int64_t lowest = index_->lowest(), highest = index_->highest();
  bool nan = std::floating_point<T>;  // perhaps
  if constexpr (std::same_as<T, double>) {
    nan = places_between(block, count, lowest, highest, places.data());
  } else {
    for (std::size_t i = 0; i < count; ++i)
      places[i] = static_cast<std::uint64_t>(
                      std::min(std::max(order_key(block[i]), lowest), highest)) -
                  static_cast<std::uint64_t>(lowest);
  }
  index_->with_search([count, slots, from = places.data()](const auto search) {
    for (std::size_t i = 0; i < count; ++i) slots[i] = search.reached(from[i]);
  });
  if (!nan) return;
  for (std::size_t i = 0; i < count; ++i)
    if (is_nan(block[i])) slots[i] = bins_ + 2;
}

template <typename T>
void HistogramPlaces::compute(const T* block, std::size_t count,
                              std::uint64_t* slots) const {
  bool unsure = false;
  if constexpr (std::same_as<T, double>) {
    unsure = place_evenly(block, count, *even_, slots);
  } else {
    std::array<double, kBlock> widened{};
    for (std::size_t i = 0; i < count; ++i) widened[i] = static_cast<double>(block[i]);
    unsure = place_evenly(widened.data(), count, *even_, slots);
  }
  if (!unsure) return;
  for (std::size_t i = 0; i < count; ++i) {
    if (slots[i] < bins_ + 3) continue;
    const std::uint64_t edge = slots[i] - (bins_ + 3);
    if (edge == bins_ + 1) {
      slots[i] = bins_ + 2;
    } else {
      const bool reached =
          edge < thresholds_.size() && thresholds_[edge] <= order_key(block[i]);
      slots[i] = edge + (reached ? 1 : 0);
    }
  }
}

template <typename T>
void HistogramPlaces::place(const T* block, std::size_t count,
                            std::uint64_t* slots) const {
  if (even_)
    compute(block, count, slots);
  else
    look_up(block, count, slots);
}

template <typename T>
std::size_t HistogramPlaces::count(const T* data, std::size_t size,
                                   std::uint64_t* counters) const {
  std::array<std::uint64_t, kBlock> slots;
  std::size_t visited = 0;
  while (visited < size) {
    const std::size_t in_block = std::min(kBlock, size - visited);
    if constexpr (std::same_as<T, float>) {
      std::array<double, kBlock> widened;
      for (std::size_t i = 0; i < in_block; ++i) widened[i] = data[visited + i];
      place(widened.data(), in_block, slots.data());
    } else {
      place(data + visited, in_block, slots.data());
    }
    visited += add_up(slots.data(), in_block, counters);
  }
  return visited;
}

template std::size_t HistogramPlaces::count(const std::int8_t*, std::size_t,
                                            std::uint64_t*) const;
template std::size_t HistogramPlaces::count(const std::int16_t*, std::size_t,
                                            std::uint64_t*) const;
template std::size_t HistogramPlaces::count(const std::int32_t*, std::size_t,
                                            std::uint64_t*) const;
template std::size_t HistogramPlaces::count(const std::int64_t*, std::size_t,
                                            std::uint64_t*) const;
template std::size_t HistogramPlaces::count(const std::uint8_t*, std::size_t,
                                            std::uint64_t*) const;
template std::size_t HistogramPlaces::count(const std::uint16_t*, std::size_t,
                                            std::uint64_t*) const;
template std::size_t HistogramPlaces::count(const std::uint32_t*, std::size_t,
                                            std::uint64_t*) const;
template std::size_t HistogramPlaces::count(const std::uint64_t*, std::size_t,
                                            std::uint64_t*) const;
template std::size_t HistogramPlaces::count(const float*, std::size_t,
                                            std::uint64_t*) const;
template std::size_t HistogramPlaces::count(const double*, std::size_t,
                                            std::uint64_t*) const;

}  // namespace tally::reduce

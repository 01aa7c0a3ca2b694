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

// The least key of a T whose value is at or above the edge, or, where `beyond`, above
// it; none if there is no such T. Precondition: the edge is no NaN.
template <std::floating_point T>
std::optional<std::int64_t> threshold(double edge, bool beyond) {
  constexpr T kInfinity = std::numeric_limits<T>::infinity();
  auto value = static_cast<T>(edge);
  if (double{value} < edge) value = std::nextafter(value, kInfinity);
  if (value == 0) value = -T{0};
  if (!beyond || double{value} > edge) return order_key(value);
  if (value == kInfinity) return std::nullopt;
  return order_key(std::nextafter(value, kInfinity));
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

}  // namespace

HistogramPlaces::HistogramPlaces(const model::HistogramBins& bins,
                                 model::ElementType type)
    : bins_(bins.count), even_(even_bins(bins)) {
  const std::vector<double> edges = edges_of(bins);
  thresholds_.reserve(edges.size());
  model::with_type(type, [&](auto zero) {
    for (const double& edge : edges) {
      const auto key = threshold<decltype(zero)>(edge, &edge == &edges.back());
      if (!key) break;  // nor for any edge that follows
      thresholds_.push_back(*key);
    }
  });
}

template <typename T>
std::size_t HistogramPlaces::slot_of(T element) const {
  if (element != element) return bins_ + 2;
  const std::int64_t key = order_key(element);
  // As many halvings for any element, and no branch to be mispredicted.
  const std::int64_t* at = thresholds_.data();
  std::size_t size = thresholds_.size();
  while (size > 1) {
    const std::size_t half = size / 2;
    at = at[half - 1] <= key ? at + half : at;
    size -= half;
  }
  const auto reached = static_cast<std::size_t>(at - thresholds_.data());
  return reached + (size == 1 && *at <= key ? 1 : 0);
}

// The place computed is not more than one off, but nothing rests on that.
template <typename T>
std::size_t HistogramPlaces::slot_near(T element) const {
  if (element != element) return bins_ + 2;
  const std::int64_t key = order_key(element);
  const double place =
      (static_cast<double>(element) - even_->lo) * even_->bins_per_unit + 1;
  auto slot = static_cast<std::size_t>(std::clamp(place, 0.0, even_->count + 1));
  slot = std::min(slot, thresholds_.size());
  while (slot > 0 && thresholds_[slot - 1] > key) --slot;
  while (slot < thresholds_.size() && thresholds_[slot] <= key) ++slot;
  return slot;
}

template <typename T>
std::size_t HistogramPlaces::count(const T* data, std::size_t size,
                                   std::uint64_t* counters) const {
  std::size_t visited = 0;
  if (!even_) {
    for (; visited < size; ++visited) ++counters[slot_of(data[visited])];
    return visited;
  }
  std::array<double, kBlock> widened;
  std::array<std::uint64_t, kBlock> slots;
  const std::uint64_t unsure = unsure_slot(*even_);
  while (visited < size) {
    const T* block = data + visited;
    const std::size_t in_block = std::min(kBlock, size - visited);
    if constexpr (std::same_as<T, double>) {
      place_evenly(block, in_block, *even_, slots.data());
    } else {
      for (std::size_t i = 0; i < in_block; ++i)
        widened[i] = static_cast<double>(block[i]);
      place_evenly(widened.data(), in_block, *even_, slots.data());
    }
    std::size_t i = 0;
    for (; i < in_block; ++i) ++counters[slots[i]];
    if (counters[unsure] != 0) {
      for (std::size_t k = 0; k < in_block; ++k)
        if (slots[k] == unsure) ++counters[slot_near(block[k])];
      counters[unsure] = 0;
    }
    visited += i;
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

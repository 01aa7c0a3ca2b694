#include "runtime/reduce/histogram_state.h"

#include <algorithm>
#include <numeric>
#include <utility>

#include "runtime/reduce/histogram_bins.h"
#include "runtime/reduce/little_endian.h"
#include "runtime/reduce/range_blocks.h"
#include "runtime/reduce/state_bytes.h"

namespace tally::reduce {

HistogramState::HistogramState(model::HistogramBins bins, model::ElementType type)
    : bins_(std::move(bins)), type_(type), counters_(std::size_t{bins_.count} + 3) {}

std::size_t HistogramState::update(const Block& block) {
  if (!places_) places_.emplace(bins_, type_);
  return model::with_type(type_, [&](auto zero) {
    return places_->count(static_cast<const decltype(zero)*>(block.data), block.count,
                          counters_.data());
  });
}

std::uint64_t HistogramState::update_range(const RangeBlock& block) {
  return update_in_blocks(*this, block);
}

void HistogramState::merge(const State& from) {
  const auto& other = static_cast<const HistogramState&>(from);
  for (std::size_t i = 0; i < counters_.size(); ++i) counters_[i] += other.counters_[i];
}

void HistogramState::serialise(std::vector<std::byte>& into) const {
  for (std::size_t i = 0; i < counters_.size(); ++i)
    put_little_endian(into, counters_[i]);
}

Result<void> HistogramState::deserialise(std::uint16_t version,
                                         std::span<const std::byte> bytes) {
  const auto layout = check_layout(*this, version, bytes, 8 * counters_.size());
  if (!layout) return layout;
  for (std::size_t i = 0; i < counters_.size(); ++i)
    counters_[i] = get_little_endian<std::uint64_t>(bytes, 8 * i);
  return {};
}

void HistogramState::clear() {
  std::fill(counters_.begin(), counters_.end(), 0);
}

std::uint64_t HistogramState::elements() const {
  return std::accumulate(counters_.begin(), counters_.end(), std::uint64_t{0});
}

model::Histogram HistogramState::histogram() const {
  model::Histogram histogram;
  histogram.edges = edges_of(bins_);
  const auto first = counters_.begin() + 1;
  histogram.counts.assign(first, first + static_cast<std::ptrdiff_t>(bins_.count));
  histogram.underflow = counters_.front();
  histogram.overflow = counters_[bins_.count + 1];
  histogram.nan = counters_[bins_.count + 2];
  return histogram;
}

}  // namespace tally::reduce

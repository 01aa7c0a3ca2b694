// The family Histogram: how many elements are in each bin, below and above all of
// them, and NaN.
//
// Its bins are not in its bytes: they are the task's (ColumnTask::histograms), and the
// states of one column that have the same family are told apart by their order.
// Counts wrap, which 2^64 elements cannot bring about. Bytes: runtime/reduce/README.md.
#pragma once

#include <cstdint>
#include <optional>
#include <vector>

#include "ipc/model/histogram.h"
#include "runtime/reduce/histogram_places.h"
#include "runtime/reduce/state.h"

namespace tally::reduce {

class HistogramState final : public State {
 public:
  HistogramState(model::HistogramBins bins, model::ElementType type);

  std::size_t update(const Block& block) override;
  std::uint64_t update_range(const RangeBlock& block) override;
  void merge(const State& from) override;  // of the same bins
  model::Family family() const override { return model::Family::Histogram; }
  std::uint16_t version() const override { return 1; }
  void serialise(std::vector<std::byte>& into) const override;
  Result<void> deserialise(std::uint16_t version,
                           std::span<const std::byte> bytes) override;
  void clear() override;

  std::uint64_t elements() const;  // in all: the sum of the counts
  model::Histogram histogram() const;

 private:
  const model::HistogramBins bins_;
  const model::ElementType type_;
  // Made by the first update: states that are only merged need none.
  std::optional<HistogramPlaces> places_;
  std::vector<std::uint64_t> counters_;  // by slot, as HistogramPlaces has them
};

}  // namespace tally::reduce

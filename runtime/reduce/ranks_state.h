// The family Ranks: what one round of a search for quantiles sees through one window of
// order keys (quantile_search.h): how many elements are below it, above it and NaN, and
// of those in it how many are in each bucket, or else which they are.
//
// The buckets are equally wide, 2^shift keys each, and at most kMostBuckets. Elements
// are kept where they are expected to be few: where there are more than kMostKept after
// all, only their number is.
//
// The window is not in its bytes: it is the task's (ColumnTask::windows), and the
// states of one column that have the same family are told apart by their order. Counts
// wrap, which 2^64 elements cannot bring about. Bytes: runtime/reduce/README.md.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "ipc/model/key_window.h"
#include "runtime/reduce/state.h"

namespace tally::reduce {

inline constexpr std::uint64_t kMostBuckets = 4096;
inline constexpr std::uint64_t kMostKept = 8192;

class RanksState final : public State {
 public:
  // Precondition: the window is of keys of the type, none of NaN's.
  RanksState(const model::KeyWindow& window, model::ElementType type);

  std::size_t update(const Block& block) override;
  std::uint64_t update_range(const RangeBlock& block) override;
  void merge(const State& from) override;  // of the same window
  model::Family family() const override { return model::Family::Ranks; }
  std::uint16_t version() const override { return 1; }
  void serialise(std::vector<std::byte>& into) const override;
  Result<void> deserialise(std::uint16_t version,
                           std::span<const std::byte> bytes) override;
  void clear() override;

  const model::KeyWindow& window() const { return window_; }
  std::uint64_t below() const { return below_; }
  std::uint64_t above() const { return above_; }
  std::uint64_t nans() const { return nans_; }
  std::uint64_t inside() const { return inside_; }
  // Of a window that does not keep: the elements in each bucket.
  std::span<const std::uint64_t> buckets() const { return buckets_; }
  // The window that a bucket is, which does not keep.
  model::KeyWindow bucket(std::size_t index) const;
  // Of a window that keeps: the keys that it has, ascending, and how many; none, if
  // more than kMostKept are in it.
  std::vector<std::int64_t> keys() const;
  std::size_t kept() const { return kept_.size(); }

 private:
  void take(std::span<const std::uint64_t> offsets);
  bool is_overfull() const { return inside_ > kMostKept; }

  const model::KeyWindow window_;
  const model::ElementType type_;
  const unsigned shift_;
  std::uint64_t below_ = 0;
  std::uint64_t above_ = 0;
  std::uint64_t nans_ = 0;
  std::uint64_t inside_ = 0;
  std::vector<std::uint64_t> buckets_;  // none, if it keeps
  std::vector<std::uint64_t> kept_;     // above window_.least, in no order
};

}  // namespace tally::reduce

// The family Ranks: what one round of a search for quantiles sees through one window of
// order keys (quantile_search.h): how many elements are below a range of keys, above it
// and NaN, and of those in it how many are in each bucket, or else which they are.
//
// A window with buckets, which are equally wide, 2^shift keys each, at most
// kMostBuckets: the range is the window.
//
// A window that keeps its elements: the range is the window at first, and becomes
// narrower as elements come, around the window's aim, so that of n elements at most
// 10 sqrt(n) are kept (or kAlwaysKept): chance puts the rank off by sqrt(n) / 2. What
// falls out of it is counted on its side, so that all that the state says is exact,
// whatever its range: only whether a rank is in it is a matter of luck. A range of one
// key keeps nothing, and counts. Merged, two states have the keys that are in the
// ranges of both, or none, if no key is (is_lost()): of elements so unlike each other
// it is not known any more how many are where.
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
// So many a window keeps without becoming narrower, if it may keep so many.
inline constexpr std::uint32_t kAlwaysKept = 8192;

// Whether buckets tell of every key.
inline bool has_bucket_for_each(const model::KeyWindow& window) {
  return static_cast<std::uint64_t>(window.greatest) -
             static_cast<std::uint64_t>(window.least) <
         kMostBuckets;
}

class RanksState final : public State {
 public:
  // Precondition: the window is of keys of the type, none of NaN's, and keeps at most
  // kMostKeptKeys.
  RanksState(const model::KeyWindow& window, model::ElementType type);

  std::size_t update(const Block& block) override;
  std::uint64_t update_range(const RangeBlock& block) override;
  void merge(const State& from) override;  // of the same window
  model::Family family() const override { return model::Family::Ranks; }
  std::uint16_t version() const override { return 2; }
  void serialise(std::vector<std::byte>& into) const override;
  Result<void> deserialise(std::uint16_t version,
                           std::span<const std::byte> bytes) override;
  void clear() override;

  const model::KeyWindow& window() const { return window_; }
  // The range: `least` to `greatest`. Precondition: !is_lost().
  std::int64_t least() const { return least_; }
  std::int64_t greatest() const { return greatest_; }
  // Nothing is known but the elements in all, which above() then has.
  bool is_lost() const { return least_ > greatest_; }

  std::uint64_t below() const { return below_; }  // the range
  std::uint64_t above() const { return above_; }
  std::uint64_t nans() const { return nans_; }
  std::uint64_t inside() const { return inside_; }
  // Of a window that does not keep: the elements in each bucket.
  std::span<const std::uint64_t> buckets() const { return buckets_; }
  // The window that a bucket is, which does not keep.
  model::KeyWindow bucket(std::size_t index) const;
  // Of a window that keeps: all keys in the range, in the order of their elements;
  // none, if the range is of one key.
  std::span<const std::int64_t> keys() const { return keys_; }

 private:
  struct Ends {
    std::int64_t least = 0;
    std::int64_t greatest = 0;
  };

  void take(std::span<const std::int64_t> keys);
  bool has_one_key() const { return least_ == greatest_; }
  std::uint64_t most_keys() const;
  void narrow_if_full();
  std::size_t pick(std::span<const std::int64_t> keys, Ends range, std::int64_t* into);
  void narrow(Ends to);
  void lose();
  Result<void> read_buckets(std::span<const std::byte> bytes);
  Result<void> read_keys(std::span<const std::byte> bytes);

  const model::KeyWindow window_;
  const model::ElementType type_;
  const unsigned shift_;
  std::int64_t least_;
  std::int64_t greatest_;
  std::uint64_t below_ = 0;
  std::uint64_t above_ = 0;
  std::uint64_t nans_ = 0;
  std::uint64_t inside_ = 0;
  std::vector<std::uint64_t> buckets_;  // none, if it keeps
  std::vector<std::int64_t> keys_;
};

}  // namespace tally::reduce

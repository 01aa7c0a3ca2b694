// ThresholdIndex: how many of many ascending thresholds a key has reached, in a few
// steps that hardly depend on their number.
//
// The keys from just below the first threshold to the last are cut into even stretches,
// and each of these into even cells, some for each threshold in it: so cells are as
// small as thresholds are near, whether these go up by steps, by factors or by whim. A
// cell knows how many thresholds are below it; that of a key is had by two shifts, and
// only the thresholds in it are compared with the key. In each cell the search takes as
// long as in the fullest: there is no branch to be mispredicted, and nothing waits for
// the memory of the key before. Where thresholds crowd in one cell it becomes a binary
// search.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "runtime/reduce/unroll.h"

namespace tally::reduce {

class ThresholdIndex {
  struct Stretch {
    std::uint32_t first_cell = 0;  // less the cells of that size from the lowest key on
    std::uint32_t cell_bits = 0;   // a cell has 2^cell_bits keys
  };

 public:
  // Ascending; they may repeat. At most 2^20 of them; copied.
  explicit ThresholdIndex(std::span<const std::int64_t> thresholds);

  // Keys below and above are as good as these.
  std::int64_t lowest() const { return lowest_; }
  std::int64_t highest() const { return highest_; }

  // What a search goes by, in plain values that a loop keeps in registers; kSteps 0:
  // any number. The index must outlive it.
  template <int kSteps>
  class Search {
   public:
    // How many thresholds are at or below the key. Precondition: it is no less than
    // lowest() and no more than highest().
    std::size_t reached(std::int64_t key) const {
      const std::uint64_t place =
          static_cast<std::uint64_t>(key) - static_cast<std::uint64_t>(lowest_);
      const Stretch& stretch = stretches_[place >> stretch_bits_];
      const auto cell =
          static_cast<std::uint32_t>(stretch.first_cell + (place >> stretch.cell_bits));
      std::ptrdiff_t found = cells_[cell];
      const auto step = [&](std::ptrdiff_t length) {
        const bool above = thresholds_[found + length - 1] <= key;
        found += length & -std::ptrdiff_t{above};  // no branch
      };
      if constexpr (kSteps == 0) {
        for (std::ptrdiff_t length = longest_; length != 0; length /= 2) step(length);
      } else {
        TALLY_UNROLL for (int i = kSteps - 1; i >= 0; --i) step(std::ptrdiff_t{1} << i);
      }
      return static_cast<std::size_t>(found);
    }

   private:
    friend class ThresholdIndex;
    explicit Search(const ThresholdIndex& index)
        : lowest_(index.lowest_),
          stretch_bits_(index.stretch_bits_),
          stretches_(index.stretches_.data()),
          cells_(index.cells_.data()),
          thresholds_(index.padded_.data() + index.padding_),
          longest_(std::ptrdiff_t{1} << (index.steps_ - 1)) {}

    std::int64_t lowest_;
    unsigned stretch_bits_;
    const Stretch* stretches_;
    const std::int32_t* cells_;
    const std::int64_t* thresholds_;  // there are some before these
    std::ptrdiff_t longest_;          // step
  };

  // Calls `use` with a Search: what takes few steps has a type of its own.
  template <typename Use>
  void with_search(Use&& use) const {
    if (steps_ == 1) return use(Search<1>(*this));
    if (steps_ == 2) return use(Search<2>(*this));
    if (steps_ == 3) return use(Search<3>(*this));
    use(Search<0>(*this));
  }

 private:
  std::int64_t lowest_ = 0;
  std::int64_t highest_ = 0;
  unsigned stretch_bits_ = 0;  // a stretch has 2^stretch_bits_ keys
  int steps_ = 1;              // no cell has 2^steps_ thresholds
  std::size_t padding_ = 0;    // 2^steps_ - 1, which is what all steps can find
  std::vector<Stretch> stretches_;
  std::vector<std::int32_t> cells_;   // thresholds below, or less, so as to end within
  std::vector<std::int64_t> padded_;  // the thresholds, after some that any key reaches
};

}  // namespace tally::reduce

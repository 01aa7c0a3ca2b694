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
//
// Keys and thresholds are compared as places, which are unsigned: then a processor adds
// the outcome in one instruction, with its carry (1.4 ns a double for 2.1).
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

  // Keys below and above are as good as these. The place of a key is how far it is
  // above the lowest.
  std::int64_t lowest() const { return lowest_; }
  std::int64_t highest() const { return highest_; }

  // What a search goes by, in plain values that a loop keeps in registers; of at most
  // kInCell thresholds in a cell, or, if that is 0, of any number. The index must
  // outlive it.
  template <int kInCell>
  class Search {
   public:
    // How many thresholds are at or below the key of that place. Precondition: the key
    // is no less than lowest() and no more than highest().
    std::size_t reached(std::uint64_t place) const {
      const Stretch& stretch = stretches_[place >> stretch_bits_];
      const auto cell =
          static_cast<std::uint32_t>(stretch.first_cell + (place >> stretch.cell_bits));
      const std::ptrdiff_t below = cells_[cell];
      std::ptrdiff_t found = below;
      if constexpr (kInCell == 0) {
        for (std::ptrdiff_t step = longest_step_; step != 0; step >>= 1) {
          const bool above = place >= places_[found + step - 1];
          found += step & -std::ptrdiff_t{above};  // no branch
        }
      } else {
        TALLY_UNROLL for (int i = 0; i < kInCell; ++i) found +=
            std::ptrdiff_t{place >= places_[below + i]};
      }
      return static_cast<std::size_t>(found);
    }

   private:
    friend class ThresholdIndex;
    explicit Search(const ThresholdIndex& index)
        : stretch_bits_(index.stretch_bits_),
          stretches_(index.stretches_.data()),
          cells_(index.cells_.data()),
          places_(index.padded_.data() + index.padding_),
          longest_step_((index.padding_ + 1) / 2) {}

    unsigned stretch_bits_;
    const Stretch* stretches_;
    const std::int32_t* cells_;
    const std::uint64_t* places_;  // of thresholds; there are some before these
    std::ptrdiff_t longest_step_;
  };

  // Calls `use` with a Search: where cells have few thresholds it is straight-line
  // code.
  template <typename Use>
  void with_search(Use&& use) const {
    switch (padding_) {
      case 1: return use(Search<1>(*this));
      case 2: return use(Search<2>(*this));
      case 3: return use(Search<3>(*this));
      case 4: return use(Search<4>(*this));
      default: use(Search<0>(*this));
    }
  }

 private:
  std::int64_t lowest_ = 0;
  std::int64_t highest_ = 0;
  unsigned stretch_bits_ = 0;   // a stretch has 2^stretch_bits_ keys
  std::ptrdiff_t padding_ = 1;  // what a search can find in a cell
  std::vector<Stretch> stretches_;
  std::vector<std::int32_t> cells_;  // thresholds below, or less, so as to end within
  std::vector<std::uint64_t>
      padded_;  // the thresholds, after some that any key reaches
};

}  // namespace tally::reduce

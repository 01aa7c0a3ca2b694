// ThresholdIndex: how many of many ascending thresholds a key has reached, in some
// steps that hardly depend on their number.
//
// The keys from just below the first threshold to the last are cut into even stretches,
// and each of these into even cells, some for each threshold in it: so cells are as
// small as thresholds are near, whether these go up by steps, by factors or by whim. A
// cell knows how many thresholds are below it; that of a key is had by two shifts, and
// only the thresholds in it are compared with the key. In each cell the search takes as
// long as in the fullest: there is no branch to be mispredicted, and nothing waits for
// the memory of the key before.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

namespace tally::reduce {

class ThresholdIndex {
 public:
  // Ascending; they may repeat. At most 2^20 of them; copied.
  explicit ThresholdIndex(std::span<const std::int64_t> thresholds);

  // How many thresholds are at or below the key.
  std::size_t reached(std::int64_t key) const {
    const std::int64_t inside = std::min(std::max(key, lowest_), highest_);
    const std::uint64_t place =
        static_cast<std::uint64_t>(inside) - static_cast<std::uint64_t>(lowest_);
    const Stretch& stretch = stretches_[place >> stretch_bits_];
    const auto cell =
        static_cast<std::uint32_t>(stretch.first_cell + (place >> stretch.cell_bits));
    std::size_t sure = cells_[cell];
    for (std::size_t length = longest_; length != 0; length /= 2) {
      const bool above = padded_[sure + length - 1] <= inside;
      sure += length & (std::size_t{0} - std::size_t{above});
    }
    return sure - padding_;
  }

 private:
  struct Stretch {
    std::uint32_t first_cell = 0;  // less the cells of that size from lowest_ on
    std::uint32_t cell_bits = 0;   // a cell has 2^cell_bits keys
  };

  std::int64_t lowest_ = 0;  // keys below and above are as good as these
  std::int64_t highest_ = 0;
  unsigned stretch_bits_ = 0;
  std::size_t longest_ = 0;  // step: 2^k, where no cell has 2^(k + 1) thresholds; or 0
  std::size_t padding_ = 0;  // 2^(k + 1) - 1, which is what all steps together can take
  std::vector<Stretch> stretches_;
  std::vector<std::uint32_t> cells_;  // where in padded_ a search begins
  // The thresholds, after keys that any has reached: so a search that begins as late as
  // it can ends within.
  std::vector<std::int64_t> padded_;
};

}  // namespace tally::reduce

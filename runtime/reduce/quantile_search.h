// QuantileSearch: finds the quantiles of one column by rounds, each of which reads all
// of its elements.
//
//   windows = first_windows(type, quantiles, ...)
//   QuantileSearch search(type, quantiles)
//   until search.done():
//     count every element in a RanksState of each of `windows`
//     search.narrow(states)
//     windows = search.windows()
//   search.value(i)
//
// No element is sorted, and few are kept. Of each rank that is sought it is known
// between which keys its element is, and how many elements are before those. A round
// looks through windows. Those of the first are around where a sample has the ranks, or
// all keys if there is none, and keep what is near to the rank as far as they have seen
// (ranks_state.h): one round finds the rank, where the elements are much the same
// throughout. Where the sample says that they are not, as when they are sorted, or the
// first round missed, a window is cut into buckets; the next is the bucket with the
// rank, at least a thousand times as narrow, or keeps the elements in it, if they are
// few. A sample makes that two rounds, and one that misleads, one more; without one it
// is at most eight for 64-bit keys.
//
// What the sample was, and which elements were kept, changes no result. Every round
// must count what the rounds before it did: an input that changed meanwhile is an
// error.
//
// Decides only; does no I/O. Threads: belongs to one at a time.
// J. I. Munro, M. S. Paterson, Selection and Sorting with Limited Storage, Theoretical
// Computer Science 12, 1980; the bracket from a sample: R. W. Floyd, R. L. Rivest,
// Expected Time Bounds for Selection, CACM 18(3), 1975.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <vector>

#include "ipc/base/result.h"
#include "ipc/model/element_type.h"
#include "ipc/model/key_window.h"
#include "runtime/reduce/quantile.h"
#include "runtime/reduce/ranks_state.h"

namespace tally::reduce {

// How many elements' keys there may be of each of a job's quantiles, in all its
// columns: those of all are in one answer of a worker. Precondition: there are
// quantiles.
inline std::uint32_t kept_of_each(std::size_t quantiles) {
  return static_cast<std::uint32_t>(model::kMostKeptKeys / quantiles);
}

// Those of the first round, ascending.
//   sample         some of the elements' order keys, from all over the input and in its
//                  order, none of NaNs
//   most_elements  that there can be
//   most_kept      of each quantile: kept_of_each()
// Precondition: there are quantiles.
std::vector<model::KeyWindow> first_windows(model::ElementType type,
                                            std::span<const Quantile> quantiles,
                                            std::span<const std::int64_t> sample,
                                            std::uint64_t most_elements,
                                            std::uint32_t most_kept);

class QuantileSearch {
 public:
  // `most_kept`: of each quantile, as first_windows() has it; its two searches share
  // it. Precondition: there are quantiles.
  QuantileSearch(model::ElementType type, std::vector<Quantile> quantiles,
                 std::uint32_t most_kept);

  // Takes the merged states of a round, of first_windows() or of windows(), over so
  // many elements. Errors: InvalidData "input_changed"; nothing is to be had of the job
  // then. Precondition: !done().
  Result<void> narrow(std::span<const std::unique_ptr<State>> states,
                      std::uint64_t elements);

  // Those of the next round, ascending, each once.
  std::span<const model::KeyWindow> windows() const { return windows_; }
  bool done() const { return begun_ && windows_.empty(); }

  // Of quantile i: NaN (f64, or f32 for an element of that type) if there was one.
  // Errors: NoValue "no_value" of no elements. Precondition: done().
  Result<FinishedValue> value(std::size_t i) const;

 private:
  // The element of that rank, from 0, is from `least` to `greatest`; `before` elements
  // are less than all of these, and `until` less than what comes after them.
  struct Search {
    std::uint64_t rank = 0;
    std::int64_t least = 0;
    std::int64_t greatest = 0;
    std::uint64_t before = 0;
    std::uint64_t until = 0;
    // q * 10^19 of a quantile that it is for.
    std::uint64_t aim = 0;
    // The window of this round that was to find it.
    std::optional<model::KeyWindow> missed;
    void stay_above(std::int64_t key, std::uint64_t keys_before) {
      if (key <= least) return;
      least = key;
      before = keys_before;
    }
    void stay_below(std::int64_t key, std::uint64_t keys_until) {
      if (key >= greatest) return;
      greatest = key;
      until = keys_until;
    }
    bool is_found() const { return least == greatest; }
  };
  // Of one quantile: its two searches, by place in searches_.
  struct Sought {
    std::size_t lower = 0;
    std::size_t upper = 0;
    std::uint64_t weight = 0;
  };

  void begin(const RanksState& any, std::uint64_t elements);
  std::size_t search_for(std::uint64_t rank, const Quantile& quantile);
  Result<void> check(const RanksState& state) const;
  void narrow_all(const RanksState& state);
  // `keys`: those that the state has kept, with that of the search's rank in its place.
  static void narrow_one(Search& search, const RanksState& state,
                         std::span<const std::int64_t> keys);
  void collect_windows();

  const model::ElementType type_;
  const std::vector<Quantile> quantiles_;
  const std::uint32_t all_kept_;  // the range of a search that has no more is kept
  bool begun_ = false;
  std::uint64_t kept_ = 0;  // elements, NaNs with them
  std::uint64_t nans_ = 0;
  std::vector<Search> searches_;  // one a rank
  std::vector<Sought> sought_;    // one a quantile
  std::vector<model::KeyWindow> windows_;
};

}  // namespace tally::reduce

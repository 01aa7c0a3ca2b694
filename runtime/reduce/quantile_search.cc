#include "runtime/reduce/quantile_search.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <string>
#include <utility>

#include "ipc/base/check.h"
#include "runtime/reduce/order_key.h"

namespace tally::reduce {
namespace {

using model::KeyWindow;

// Of all elements but NaNs.
KeyWindow whole_window(model::ElementType type) {
  return model::with_type(type, [](auto zero) {
    using T = decltype(zero);
    return KeyWindow{kLowestKey<T>, kHighestKey<T>, false};
  });
}

Error input_changed(std::uint64_t first, std::uint64_t now, std::string_view where) {
  return Error(Errc::InvalidData, "input_changed",
               "one round counted " + std::to_string(first) + " elements " +
                   std::string(where) + ", the next one " + std::to_string(now) +
                   ": the input was changed while it was read; run the job again on "
                   "an input that stays as it is");
}

// Around where the sample has that quantile: the element's place in a sample of n
// spreads by at most sqrt(n) / 2, so it is outside of four times that once in 16,000.
KeyWindow bracket(const KeyWindow& whole, const Quantile& quantile,
                  std::span<const std::int64_t> sample) {
  const auto size = static_cast<double>(sample.size());
  const double q =
      static_cast<double>(quantile.scaled) / static_cast<double>(kQuantileScale);
  const double place = q * (size - 1);
  const double margin = 2 * std::sqrt(size) + 1;
  KeyWindow window = whole;
  if (place - margin >= 0)
    window.least = sample[static_cast<std::size_t>(place - margin)];
  if (place + margin + 1 < size)
    window.greatest = sample[static_cast<std::size_t>(place + margin + 1)];
  return window;
}

}  // namespace

std::vector<KeyWindow> first_windows(model::ElementType type,
                                     std::span<const Quantile> quantiles,
                                     std::span<const std::int64_t> sample,
                                     std::uint64_t most_elements) {
  TALLY_CHECK(!quantiles.empty());
  KeyWindow whole = whole_window(type);
  whole.keeps = most_elements <= kMostKept;
  if (whole.keeps || sample.empty()) return {whole};
  std::vector<KeyWindow> brackets;
  for (const Quantile& quantile : quantiles)
    brackets.push_back(bracket(whole, quantile, sample));
  std::sort(brackets.begin(), brackets.end());
  std::vector<KeyWindow> windows;
  for (const KeyWindow& one : brackets) {
    if (windows.empty() || one.least > windows.back().greatest)
      windows.push_back(one);
    else
      windows.back().greatest = std::max(windows.back().greatest, one.greatest);
  }
  return windows;
}

QuantileSearch::QuantileSearch(model::ElementType type, std::vector<Quantile> quantiles)
    : type_(type), quantiles_(std::move(quantiles)) {
  TALLY_CHECK(!quantiles_.empty());
}

Result<void> QuantileSearch::narrow(std::span<const std::unique_ptr<State>> states,
                                    std::uint64_t elements) {
  TALLY_CHECK(!done() && !states.empty());
  const auto ranks = [](const auto& state) -> const RanksState& {
    TALLY_CHECK(state->family() == model::Family::Ranks);
    return static_cast<const RanksState&>(*state);
  };
  if (!begun_) begin(ranks(states.front()), elements);
  for (const auto& state : states)
    if (Result<void> same = check(ranks(state)); !same) return same;
  for (const auto& state : states) {
    const std::vector<std::int64_t> keys = ranks(state).keys();
    for (Search& search : searches_) narrow_one(search, ranks(state), keys);
  }
  collect_windows();
  return {};
}

void QuantileSearch::begin(const RanksState& any, std::uint64_t elements) {
  begun_ = true;
  nans_ = any.nans();
  kept_ = elements;
  if (kept_ == 0 || nans_ != 0) return;
  for (const Quantile& quantile : quantiles_) {
    const RankPair ranks = ranks_of(quantile, kept_);
    const std::size_t lower = search_for(ranks.lower);
    sought_.push_back({lower, search_for(ranks.upper), ranks.weight});
  }
}

std::size_t QuantileSearch::search_for(std::uint64_t rank) {
  const auto known =
      std::find_if(searches_.begin(), searches_.end(),
                   [rank](const Search& search) { return search.rank == rank; });
  if (known != searches_.end())
    return static_cast<std::size_t>(known - searches_.begin());
  const KeyWindow whole = whole_window(type_);
  searches_.push_back({rank, whole.least, whole.greatest, 0, kept_});
  return searches_.size() - 1;
}

// All states saw the same elements, and of a window that was made for a rank there is
// known what must be in it.
Result<void> QuantileSearch::check(const RanksState& state) const {
  const std::uint64_t all =
      state.below() + state.inside() + state.above() + state.nans();
  if (all != kept_) return input_changed(kept_, all, "in all");
  if (state.nans() != nans_) return input_changed(nans_, state.nans(), "that are NaN");
  if (state.window().keeps && state.kept() != state.inside())
    return input_changed(state.kept(), state.inside(), "in a range of values");
  for (const Search& search : searches_) {
    const KeyWindow& window = state.window();
    if (search.least != window.least || search.greatest != window.greatest) continue;
    if (state.below() != search.before)
      return input_changed(search.before, state.below(), "below a value");
    if (state.inside() != search.until - search.before)
      return input_changed(search.until - search.before, state.inside(),
                           "in a range of values");
  }
  return {};
}

// Whatever window it is, it says on which side of it, or where in it, the rank is.
void QuantileSearch::narrow_one(Search& search, const RanksState& state,
                                std::span<const std::int64_t> keys) {
  const KeyWindow& window = state.window();
  std::uint64_t before = state.below();
  if (search.is_found()) return;
  if (search.rank < before) {  // so there are keys below the window
    if (window.least > search.greatest) return;
    search.greatest = window.least - 1;
    search.until = before;
    return;
  }
  if (search.rank - before >= state.inside()) {
    if (window.greatest < search.least) return;
    search.least = window.greatest + 1;
    search.before = before + state.inside();
    return;
  }
  if (window.keeps) {
    search.least = search.greatest = keys[search.rank - before];
    return;
  }
  std::size_t bucket = 0;
  while (search.rank - before >= state.buckets()[bucket] &&
         bucket + 1 < state.buckets().size())
    before += state.buckets()[bucket++];
  search.before = before;
  search.until = before + state.buckets()[bucket];
  const KeyWindow found = state.bucket(bucket);
  search.least = found.least;
  search.greatest = found.greatest;
}

void QuantileSearch::collect_windows() {
  windows_.clear();
  for (const Search& search : searches_)
    if (!search.is_found())
      windows_.push_back(
          {search.least, search.greatest, search.until - search.before <= kMostKept});
  std::sort(windows_.begin(), windows_.end());
  windows_.erase(std::unique(windows_.begin(), windows_.end()), windows_.end());
}

Result<FinishedValue> QuantileSearch::value(std::size_t i) const {
  TALLY_CHECK(done() && i < quantiles_.size());
  if (kept_ == 0) {
    return Error(Errc::NoValue, "no_value", "a quantile of no elements has no value")
        .with("reducer", std::string("quantile"));
  }
  const Interpolation interpolation = quantiles_[i].interpolation;
  const bool blended = interpolation == Interpolation::Linear ||
                       interpolation == Interpolation::Midpoint;
  if (nans_ != 0) {
    if (type_ == model::ElementType::F32 && !blended)
      return FinishedValue(std::numeric_limits<float>::quiet_NaN());
    return FinishedValue(std::numeric_limits<double>::quiet_NaN());
  }
  const Sought& sought = sought_[i];
  return value_between(searches_[sought.lower].least, searches_[sought.upper].least,
                       sought.weight, interpolation, type_);
}

}  // namespace tally::reduce

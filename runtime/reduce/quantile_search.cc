#include "runtime/reduce/quantile_search.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <optional>
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
    return KeyWindow{kLowestKey<T>, kHighestKey<T>};
  });
}

Error input_changed(std::uint64_t first, std::uint64_t now, std::string_view where) {
  return Error(Errc::InvalidData, "input_changed",
               "one round counted " + std::to_string(first) + " elements " +
                   std::string(where) + ", the next one " + std::to_string(now) +
                   ": the input was changed while it was read; run the job again on "
                   "an input that stays as it is");
}

// For fewer, chance would put the rank beyond them too often.
constexpr std::uint64_t kLeastKept = 4 * std::uint64_t{kAlwaysKept};
// Of a sample, to see whether they are alike.
constexpr std::size_t kStretches = 16;

// Around where the sample has that quantile: the element's place in a sample of n
// spreads by at most sqrt(n) / 2, so it is outside of four times that once in 16,000.
KeyWindow bracket(const KeyWindow& whole, const Quantile& quantile,
                  std::span<const std::int64_t> ascending) {
  const auto size = static_cast<double>(ascending.size());
  const double place = roughly(quantile.scaled) * (size - 1);
  const double margin = 2 * std::sqrt(size) + 1;
  KeyWindow window = whole;
  if (place - margin >= 0)
    window.least = ascending[static_cast<std::size_t>(place - margin)];
  if (place + margin + 1 < size)
    window.greatest = ascending[static_cast<std::size_t>(place + margin + 1)];
  return window;
}

// Whether about as many elements are below the quantile in each stretch of the input as
// in all of it: not where it is sorted, or changes slowly. A count of n spreads by at
// most sqrt(n) / 2; six times that is a matter of chance once in 10^9.
bool is_alike_throughout(std::span<const std::int64_t> sample, const Quantile& quantile,
                         std::span<const std::int64_t> ascending) {
  const std::size_t length = sample.size() / kStretches;
  if (length == 0) return false;
  const auto at = static_cast<std::size_t>(roughly(quantile.scaled) *
                                           static_cast<double>(ascending.size() - 1));
  const auto count_below = [&](std::span<const std::int64_t> keys) {
    return static_cast<double>(
        std::count_if(keys.begin(), keys.end(),
                      [key = ascending[at]](std::int64_t one) { return one < key; }));
  };
  const double wanted = count_below(ascending) * static_cast<double>(length) /
                        static_cast<double>(sample.size());
  for (std::size_t i = 0; i < kStretches; ++i)
    if (std::abs(count_below(sample.subspan(i * length, length)) - wanted) >
        3 * std::sqrt(static_cast<double>(length)))
      return false;
  return true;
}

// As they are, ascending, each once; of those with buckets, what overlaps is one.
std::vector<KeyWindow> joined(std::vector<KeyWindow> brackets) {
  std::sort(brackets.begin(), brackets.end());
  brackets.erase(std::unique(brackets.begin(), brackets.end()), brackets.end());
  std::vector<KeyWindow> windows;
  std::optional<std::size_t> last;  // with buckets
  for (const KeyWindow& one : brackets) {
    if (!one.keeps() && last && one.least <= windows[*last].greatest) {
      windows[*last].greatest = std::max(windows[*last].greatest, one.greatest);
      continue;
    }
    if (!one.keeps()) last = windows.size();
    windows.push_back(one);
  }
  return windows;
}

// Puts the keys of these ranks, ascending, each once, where sorting would.
void put_in_place(std::span<std::int64_t> keys, std::span<const std::uint64_t> ranks,
                  std::uint64_t first = 0) {
  if (ranks.empty()) return;
  const std::size_t middle = ranks.size() / 2;
  const std::size_t at = ranks[middle] - first;
  std::nth_element(keys.begin(), keys.begin() + static_cast<std::ptrdiff_t>(at),
                   keys.end());
  put_in_place(keys.first(at), ranks.first(middle), first);
  put_in_place(keys.subspan(at + 1), ranks.subspan(middle + 1), first + at + 1);
}

}  // namespace

std::vector<KeyWindow> first_windows(model::ElementType type,
                                     std::span<const Quantile> quantiles,
                                     std::span<const std::int64_t> sample,
                                     std::uint64_t most_elements,
                                     std::uint32_t most_kept) {
  TALLY_CHECK(!quantiles.empty());
  KeyWindow whole = whole_window(type);
  if (most_elements <= kAlwaysKept) {
    whole.most_kept = kAlwaysKept;
    return {whole};
  }
  std::vector<std::int64_t> ascending(sample.begin(), sample.end());
  std::sort(ascending.begin(), ascending.end());
  const bool keep =
      most_kept >= kLeastKept &&
      (sample.empty() || static_cast<double>(most_kept) >=
                             6 * std::sqrt(static_cast<double>(most_elements)));
  std::vector<KeyWindow> windows;
  for (const Quantile& quantile : quantiles) {
    KeyWindow window = sample.empty() ? whole : bracket(whole, quantile, ascending);
    if (keep && !has_bucket_for_each(window) &&
        (sample.empty() || is_alike_throughout(sample, quantile, ascending))) {
      window.most_kept = most_kept;
      window.aim = quantile.scaled;
    }
    windows.push_back(window);
  }
  return joined(std::move(windows));
}

QuantileSearch::QuantileSearch(model::ElementType type, std::vector<Quantile> quantiles,
                               std::uint32_t most_kept)
    : type_(type),
      quantiles_(std::move(quantiles)),
      all_kept_(std::min(kAlwaysKept, most_kept / 2)) {
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
  for (const auto& state : states) narrow_all(ranks(state));
  for (const Search& search : searches_)
    if (search.least > search.greatest)
      return input_changed(search.until, search.before, "below a value");
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
    const std::size_t lower = search_for(ranks.lower, quantile);
    sought_.push_back({lower, search_for(ranks.upper, quantile), ranks.weight});
  }
}

std::size_t QuantileSearch::search_for(std::uint64_t rank, const Quantile& quantile) {
  const auto known =
      std::find_if(searches_.begin(), searches_.end(),
                   [rank](const Search& search) { return search.rank == rank; });
  if (known != searches_.end())
    return static_cast<std::size_t>(known - searches_.begin());
  const KeyWindow whole = whole_window(type_);
  searches_.push_back(
      {rank, whole.least, whole.greatest, 0, kept_, quantile.scaled, std::nullopt});
  return searches_.size() - 1;
}

// All states saw the same elements, and of a window that was made for a rank there is
// known what must be in it.
Result<void> QuantileSearch::check(const RanksState& state) const {
  const std::uint64_t all =
      state.below() + state.inside() + state.above() + state.nans();
  if (all != kept_) return input_changed(kept_, all, "in all");
  if (state.nans() != nans_) return input_changed(nans_, state.nans(), "that are NaN");
  for (const Search& search : searches_) {
    const KeyWindow& window = state.window();
    if (search.least != window.least || search.greatest != window.greatest) continue;
    // What is kept of so few is all of it.
    const bool is_narrower =
        state.least() != window.least || state.greatest() != window.greatest;
    if (is_narrower && search.until - search.before > kAlwaysKept) continue;
    if (state.below() != search.before)
      return input_changed(search.before, state.below(), "below a value");
    if (state.inside() != search.until - search.before)
      return input_changed(search.until - search.before, state.inside(),
                           "in a range of values");
  }
  return {};
}

void QuantileSearch::narrow_all(const RanksState& state) {
  std::vector<std::uint64_t> ranks;  // that are to be looked up, in the range
  if (state.keys().size() != 0)
    for (const Search& search : searches_)
      if (search.rank >= state.below() &&
          search.rank - state.below() < state.keys().size())
        ranks.push_back(search.rank - state.below());
  std::sort(ranks.begin(), ranks.end());
  std::vector<std::int64_t> keys(state.keys().begin(), state.keys().end());
  put_in_place(keys, ranks);
  for (Search& search : searches_) narrow_one(search, state, keys);
}

// Whatever window it is, it says on which side of its range, or where in it, the rank
// is.
void QuantileSearch::narrow_one(Search& search, const RanksState& state,
                                std::span<const std::int64_t> keys) {
  if (search.is_found()) return;
  const KeyWindow& window = state.window();
  if (window.keeps() && window.aim == search.aim) search.missed = window;
  if (state.is_lost()) return;
  std::uint64_t before = state.below();
  if (search.rank < before)  // so there are keys below the range
    return search.stay_below(state.least() - 1, before);
  if (search.rank - before >= state.inside())
    return search.stay_above(state.greatest() + 1, before + state.inside());
  std::int64_t least = state.least();
  std::int64_t greatest = state.greatest();
  std::uint64_t until = before + state.inside();
  if (least < greatest && window.keeps()) {
    least = greatest = keys[search.rank - before];
  } else if (least < greatest) {
    std::size_t bucket = 0;
    while (search.rank - before >= state.buckets()[bucket] &&
           bucket + 1 < state.buckets().size())
      before += state.buckets()[bucket++];
    until = before + state.buckets()[bucket];
    least = state.bucket(bucket).least;
    greatest = state.bucket(bucket).greatest;
  }
  search.stay_above(least, before);
  search.stay_below(greatest, until);
}

void QuantileSearch::collect_windows() {
  windows_.clear();
  for (Search& search : searches_) {
    const auto missed = std::exchange(search.missed, std::nullopt);
    if (search.is_found()) continue;
    KeyWindow window{search.least, search.greatest};
    if (search.until - search.before <= all_kept_) {
      window.most_kept = all_kept_;
    } else if (missed && missed->least <= window.greatest &&
               missed->greatest >= window.least) {
      window.least = std::max(window.least, missed->least);
      window.greatest = std::min(window.greatest, missed->greatest);
    }
    windows_.push_back(window);
  }
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

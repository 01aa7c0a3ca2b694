#include "runtime/reduce/ranks_state.h"

#include <algorithm>
#include <array>
#include <bit>
#include <cmath>
#include <utility>

#include "runtime/reduce/little_endian.h"
#include "runtime/reduce/order_key.h"
#include "runtime/reduce/quantile.h"
#include "runtime/reduce/range_blocks.h"
#include "runtime/reduce/rank_kernel.h"
#include "runtime/reduce/state_bytes.h"

namespace tally::reduce {
namespace {

constexpr std::size_t kPart = 1024;       // elements that are picked from at once
constexpr std::size_t kCountsBytes = 32;  // below, above, nans, inside
constexpr std::size_t kRangeBytes = 16;   // least, greatest
constexpr std::size_t kSampled = 1024;  // keys that say where the range becomes narrow
constexpr double kSpreads = 5;  // sqrt(n) / 2 each: what chance goes beyond 1 in 10^6

std::uint64_t width_of(const model::KeyWindow& window) {
  return static_cast<std::uint64_t>(window.greatest) -
         static_cast<std::uint64_t>(window.least);
}

// The least for which the last key of the window is in one of kMostBuckets.
unsigned shift_of(const model::KeyWindow& window) {
  constexpr unsigned kBucketBits = std::bit_width(kMostBuckets) - 1;
  const auto bits = static_cast<unsigned>(std::bit_width(width_of(window)));
  return bits > kBucketBits ? bits - kBucketBits : 0;
}

std::uint64_t word(std::span<const std::byte> bytes, std::size_t i) {
  return get_little_endian<std::uint64_t>(bytes, 8 * i);
}

// Whether there are elements beyond all keys that the type has.
bool has_impossible(model::ElementType type, std::int64_t least, std::int64_t greatest,
                    std::uint64_t below, std::uint64_t above) {
  return model::with_type(type, [&](auto zero) {
    using T = decltype(zero);
    return (least == kLowestKey<T> && below != 0) ||
           (greatest == kHighestKey<T> && above != 0);
  });
}

}  // namespace

RanksState::RanksState(const model::KeyWindow& window, model::ElementType type)
    : window_(window),
      type_(type),
      shift_(shift_of(window)),
      least_(window.least),
      greatest_(window.greatest) {
  if (!window.keeps()) buckets_.resize((width_of(window) >> shift_) + 1);
}

std::size_t RanksState::update(const Block& block) {
  std::array<std::int64_t, kPart + 1> keys;
  const std::size_t width = model::size_of(type_);
  const auto* data = static_cast<const std::byte*>(block.data);
  std::size_t visited = 0;
  while (visited < block.count) {
    const std::size_t count = std::min(kPart, block.count - visited);
    const bool lost = is_lost();
    const SelectedKeys selected =
        select_keys(type_, data + visited * width, count, lost ? window_.least : least_,
                    lost ? window_.greatest : greatest_, keys.data());
    nans_ += selected.nans;
    if (lost) {
      above_ += selected.visited - selected.nans;
    } else {
      below_ += selected.below;
      above_ += selected.visited - selected.below - selected.nans - selected.inside;
      take({keys.data(), selected.inside});
    }
    visited += selected.visited;
    if (selected.visited != count) break;  // the caller sees that they are too few
  }
  return visited;
}

std::uint64_t RanksState::update_range(const RangeBlock& block) {
  return update_in_blocks(*this, block);
}

void RanksState::take(std::span<const std::int64_t> keys) {
  inside_ += keys.size();
  if (!window_.keeps()) {
    const auto least = static_cast<std::uint64_t>(least_);
    for (const std::int64_t key : keys)
      ++buckets_[(static_cast<std::uint64_t>(key) - least) >> shift_];
  } else if (!has_one_key()) {
    keys_.insert(keys_.end(), keys.begin(), keys.end());
    narrow_if_full();
  }
}

// As many as twice what is left when the range becomes narrower.
std::uint64_t RanksState::most_keys() const {
  const auto elements = static_cast<double>(below_ + inside_ + above_);
  const auto spread = static_cast<std::uint64_t>(2 * kSpreads * std::sqrt(elements));
  return std::min<std::uint64_t>(window_.most_kept,
                                 std::max<std::uint64_t>(kAlwaysKept, spread));
}

// Where the rank is among the keys is taken from some of them: the range is then not
// exactly as wide as it should be, which changes nothing that is counted.
void RanksState::narrow_if_full() {
  const std::uint64_t most = most_keys();
  if (keys_.size() <= most) return;
  const std::size_t step = keys_.size() / kSampled + 1;
  std::vector<std::int64_t> sample;
  for (std::size_t i = step / 2; i < keys_.size(); i += step)
    sample.push_back(keys_[i]);
  std::sort(sample.begin(), sample.end());
  const auto elements = static_cast<double>(below_ + inside_ + above_);
  const double rank = roughly(window_.aim) * elements - static_cast<double>(below_);
  const double margin =
      std::min(kSpreads * std::sqrt(elements) / 2, static_cast<double>(most) / 4);
  const auto key_at = [&](double at) {
    const double last = static_cast<double>(sample.size()) - 1;
    return sample[static_cast<std::size_t>(
        std::clamp(at / static_cast<double>(step), 0.0, last))];
  };
  const bool has_upper_end = rank + margin < static_cast<double>(keys_.size());
  narrow({rank - margin > 0 ? key_at(rank - margin) : least_,
          has_upper_end ? key_at(rank + margin) : greatest_});
  if (keys_.size() > most)  // of which many are equal
    narrow({key_at(rank), key_at(rank)});
}

// Those in the range go to `into`, which may be where they are; the others are counted.
// No branches: which key is where no processor can foretell.
std::size_t RanksState::pick(std::span<const std::int64_t> keys, Ends range,
                             std::int64_t* into) {
  std::size_t inside = 0;
  std::uint64_t below = 0;
  for (const std::int64_t key : keys) {
    into[inside] = key;
    below += key < range.least ? 1 : 0;
    inside += key >= range.least && key <= range.greatest ? 1 : 0;
  }
  below_ += below;
  above_ += keys.size() - below - inside;
  return inside;
}

// Precondition: `to` is of keys of the range.
void RanksState::narrow(Ends to) {
  if (has_one_key() || (to.least == least_ && to.greatest == greatest_)) return;
  inside_ = pick(keys_, to, keys_.data());
  keys_.resize(inside_);
  least_ = to.least;
  greatest_ = to.greatest;
  if (has_one_key()) keys_.clear();
}

void RanksState::lose() {
  above_ += below_ + inside_;
  below_ = inside_ = 0;
  least_ = 1;
  greatest_ = 0;
  keys_.clear();
}

void RanksState::merge(const State& from) {
  const auto& other = static_cast<const RanksState&>(from);
  const Ends common{std::max(least_, other.least_),
                    std::min(greatest_, other.greatest_)};
  const bool lost = is_lost() || other.is_lost() || common.least > common.greatest;
  if (!lost && window_.keeps()) narrow(common);
  below_ += other.below_;
  above_ += other.above_;
  nans_ += other.nans_;
  if (lost) {
    inside_ += other.inside_;
    return lose();
  }
  if (!window_.keeps() || other.has_one_key()) {
    inside_ += other.inside_;
    for (std::size_t i = 0; i < buckets_.size(); ++i) buckets_[i] += other.buckets_[i];
    return;
  }
  const std::size_t had = keys_.size();
  keys_.resize(had + other.keys_.size());
  const std::size_t inside = pick(other.keys_, common, keys_.data() + had);
  inside_ += inside;
  keys_.resize(has_one_key() ? 0 : had + inside);
  narrow_if_full();
}

void RanksState::serialise(std::vector<std::byte>& into) const {
  for (const std::uint64_t count : {below_, above_, nans_, inside_})
    put_little_endian(into, count);
  put_words(into, buckets_);
  if (!window_.keeps()) return;
  for (const std::int64_t end : {least_, greatest_})
    put_little_endian(into, static_cast<std::uint64_t>(end));
  put_words(into, keys_);
}

Result<void> RanksState::deserialise(std::uint16_t version,
                                     std::span<const std::byte> bytes) {
  if (!window_.keeps()) {
    if (auto layout =
            check_layout(*this, version, bytes, kCountsBytes + 8 * buckets_.size());
        !layout)
      return layout;
    if (auto read = read_buckets(bytes); !read) return read;
  } else {
    const bool has_range = bytes.size() >= kCountsBytes + kRangeBytes;
    const bool has_keys = has_range && static_cast<std::int64_t>(word(bytes, 4)) <
                                           static_cast<std::int64_t>(word(bytes, 5));
    const std::uint64_t keys =
        has_keys ? std::min<std::uint64_t>(word(bytes, 3), window_.most_kept) : 0;
    if (auto layout =
            check_layout(*this, version, bytes, kCountsBytes + kRangeBytes + 8 * keys);
        !layout)
      return layout;
    if (auto read = read_keys(bytes); !read) return read;
  }
  below_ = word(bytes, 0);
  above_ = word(bytes, 1);
  nans_ = word(bytes, 2);
  inside_ = word(bytes, 3);
  return {};
}

Result<void> RanksState::read_buckets(std::span<const std::byte> bytes) {
  if (has_impossible(type_, window_.least, window_.greatest, word(bytes, 0),
                     word(bytes, 1)))
    return bad_state("window, with elements beyond all that there can be");
  std::vector<std::uint64_t> counts(buckets_.size());
  std::uint64_t sum = 0;
  for (std::size_t i = 0; i < counts.size(); ++i) {
    counts[i] = word(bytes, 4 + i);
    if (__builtin_add_overflow(sum, counts[i], &sum))
      return bad_state("window with buckets");
  }
  if (sum != word(bytes, 3)) return bad_state("window with buckets");
  buckets_ = std::move(counts);
  return {};
}

// Precondition: there are as many bytes as the counts and the range ask for.
Result<void> RanksState::read_keys(std::span<const std::byte> bytes) {
  const auto least = static_cast<std::int64_t>(word(bytes, 4));
  const auto greatest = static_cast<std::int64_t>(word(bytes, 5));
  std::vector<std::int64_t> keys;
  if (least > greatest) {
    if (least != 1 || greatest != 0 || word(bytes, 0) != 0 || word(bytes, 3) != 0)
      return bad_state("window of which nothing is known");
  } else {
    if (least < window_.least || greatest > window_.greatest ||
        (least < greatest && word(bytes, 3) > window_.most_kept))
      return bad_state("window that keeps its elements");
    if (has_impossible(type_, least, greatest, word(bytes, 0), word(bytes, 1)))
      return bad_state("window, with elements beyond all that there can be");
    keys.resize((bytes.size() - kCountsBytes - kRangeBytes) / 8);
    const auto key_bytes = bytes.subspan(kCountsBytes + kRangeBytes);
    std::size_t outside = 0;
    for (std::size_t i = 0; i < keys.size(); ++i) {
      keys[i] = static_cast<std::int64_t>(word(key_bytes, i));
      outside += keys[i] < least || keys[i] > greatest ? 1 : 0;
    }
    if (outside != 0) return bad_state("window that keeps its elements");
  }
  keys_ = std::move(keys);
  least_ = least;
  greatest_ = greatest;
  return {};
}

void RanksState::clear() {
  below_ = above_ = nans_ = inside_ = 0;
  least_ = window_.least;
  greatest_ = window_.greatest;
  std::fill(buckets_.begin(), buckets_.end(), 0);
  keys_.clear();
}

// Modulo 2^64, which is exact: both ends are keys of the window.
model::KeyWindow RanksState::bucket(std::size_t index) const {
  const std::uint64_t first = std::uint64_t{index} << shift_;
  const std::uint64_t last =
      std::min(first + ((std::uint64_t{1} << shift_) - 1), width_of(window_));
  const auto least = static_cast<std::uint64_t>(window_.least);
  return {static_cast<std::int64_t>(least + first),
          static_cast<std::int64_t>(least + last)};
}

}  // namespace tally::reduce

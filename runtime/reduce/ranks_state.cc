#include "runtime/reduce/ranks_state.h"

#include <algorithm>
#include <array>
#include <bit>
#include <utility>

#include "runtime/reduce/little_endian.h"
#include "runtime/reduce/order_key.h"
#include "runtime/reduce/range_blocks.h"
#include "runtime/reduce/rank_kernel.h"
#include "runtime/reduce/state_bytes.h"

namespace tally::reduce {
namespace {

constexpr std::size_t kPart = 1024;       // elements that are picked from at once
constexpr std::size_t kCountsBytes = 32;  // below, above, nans, inside

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

}  // namespace

RanksState::RanksState(const model::KeyWindow& window, model::ElementType type)
    : window_(window), type_(type), shift_(shift_of(window)) {
  if (window.keeps)
    kept_.reserve(kMostKept);
  else
    buckets_.resize((width_of(window) >> shift_) + 1);
}

std::size_t RanksState::update(const Block& block) {
  std::array<std::uint64_t, kPart + 1> offsets;
  const std::size_t width = model::size_of(type_);
  const auto* data = static_cast<const std::byte*>(block.data);
  std::size_t visited = 0;
  while (visited < block.count) {
    const std::size_t count = std::min(kPart, block.count - visited);
    const SelectedKeys selected =
        select_keys(type_, data + visited * width, count, window_, offsets.data());
    below_ += selected.below;
    nans_ += selected.nans;
    above_ += selected.visited - selected.below - selected.nans - selected.inside;
    take({offsets.data(), selected.inside});
    visited += selected.visited;
    if (selected.visited != count) break;  // the caller sees that they are too few
  }
  return visited;
}

std::uint64_t RanksState::update_range(const RangeBlock& block) {
  return update_in_blocks(*this, block);
}

void RanksState::take(std::span<const std::uint64_t> offsets) {
  inside_ += offsets.size();
  if (!window_.keeps) {
    for (const std::uint64_t offset : offsets) ++buckets_[offset >> shift_];
  } else if (is_overfull()) {
    kept_.clear();
  } else {
    kept_.insert(kept_.end(), offsets.begin(), offsets.end());
  }
}

void RanksState::merge(const State& from) {
  const auto& other = static_cast<const RanksState&>(from);
  below_ += other.below_;
  above_ += other.above_;
  nans_ += other.nans_;
  inside_ += other.inside_;
  for (std::size_t i = 0; i < buckets_.size(); ++i) buckets_[i] += other.buckets_[i];
  if (is_overfull())
    kept_.clear();
  else
    kept_.insert(kept_.end(), other.kept_.begin(), other.kept_.end());
}

void RanksState::serialise(std::vector<std::byte>& into) const {
  for (const std::uint64_t count : {below_, above_, nans_, inside_})
    put_little_endian(into, count);
  for (const std::uint64_t count : buckets_) put_little_endian(into, count);
  std::vector<std::uint64_t> ascending = kept_;
  std::sort(ascending.begin(), ascending.end());
  for (const std::uint64_t offset : ascending) put_little_endian(into, offset);
}

Result<void> RanksState::deserialise(std::uint16_t version,
                                     std::span<const std::byte> bytes) {
  const auto word = [&](std::size_t i) {
    return get_little_endian<std::uint64_t>(bytes, 8 * i);
  };
  const std::uint64_t inside = bytes.size() < kCountsBytes ? 0 : word(3);
  const std::uint64_t kept = window_.keeps && inside <= kMostKept ? inside : 0;
  const std::size_t words = buckets_.size() + kept;
  if (auto layout = check_layout(*this, version, bytes, kCountsBytes + 8 * words);
      !layout)
    return layout;
  const auto ends = model::with_type(type_, [](auto zero) {
    return std::pair(kLowestKey<decltype(zero)>, kHighestKey<decltype(zero)>);
  });
  if ((window_.least == ends.first && word(0) != 0) ||
      (window_.greatest == ends.second && word(1) != 0))
    return bad_state("window, with elements beyond all that there can be");
  std::vector<std::uint64_t> all(words);
  for (std::size_t i = 0; i < words; ++i) all[i] = word(4 + i);
  if (window_.keeps) {
    if (!std::is_sorted(all.begin(), all.end()) ||
        (!all.empty() && all.back() > width_of(window_)))
      return bad_state("window that keeps its elements");
    kept_.assign(all.begin(), all.end());
  } else {
    std::uint64_t sum = 0;
    for (const std::uint64_t count : all)
      if (__builtin_add_overflow(sum, count, &sum))
        return bad_state("window with buckets");
    if (sum != inside) return bad_state("window with buckets");
    buckets_ = std::move(all);
  }
  below_ = word(0);
  above_ = word(1);
  nans_ = word(2);
  inside_ = inside;
  return {};
}

void RanksState::clear() {
  below_ = above_ = nans_ = inside_ = 0;
  std::fill(buckets_.begin(), buckets_.end(), 0);
  kept_.clear();
}

// Modulo 2^64, which is exact: both ends are keys of the window.
model::KeyWindow RanksState::bucket(std::size_t index) const {
  const std::uint64_t first = std::uint64_t{index} << shift_;
  const std::uint64_t last =
      std::min(first + ((std::uint64_t{1} << shift_) - 1), width_of(window_));
  const auto least = static_cast<std::uint64_t>(window_.least);
  return {static_cast<std::int64_t>(least + first),
          static_cast<std::int64_t>(least + last), false};
}

std::vector<std::int64_t> RanksState::keys() const {
  std::vector<std::int64_t> keys;
  keys.reserve(kept_.size());
  for (const std::uint64_t offset : kept_)
    keys.push_back(
        static_cast<std::int64_t>(static_cast<std::uint64_t>(window_.least) + offset));
  std::sort(keys.begin(), keys.end());
  return keys;
}

}  // namespace tally::reduce

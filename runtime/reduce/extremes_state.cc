#include "runtime/reduce/extremes_state.h"

#include <algorithm>
#include <limits>
#include <type_traits>

#include "ipc/base/check.h"
#include "runtime/reduce/extremes_kernel.h"
#include "runtime/reduce/little_endian.h"
#include "runtime/reduce/order_key.h"
#include "runtime/reduce/range_blocks.h"
#include "runtime/reduce/state_bytes.h"

namespace tally::reduce {
namespace {

constexpr std::int64_t kNanLeast = std::numeric_limits<std::int64_t>::min();
constexpr std::int64_t kNanGreatest = std::numeric_limits<std::int64_t>::max();
constexpr std::size_t kStateBytes = 48;

bool is_better_least(const Extreme& candidate, const Extreme& than) {
  if (candidate.key != than.key) return candidate.key < than.key;
  return candidate.position < than.position;
}

bool is_better_greatest(const Extreme& candidate, const Extreme& than) {
  if (candidate.key != than.key) return candidate.key > than.key;
  return candidate.position < than.position;
}

Position position_in(const Block& block, std::size_t i) {
  return {block.file,
          block.indices != nullptr ? block.indices[i] : block.first_index + i};
}

// Precondition: there is one.
template <typename T, typename Wanted>
std::size_t first_in(const Block& block, Wanted wanted) {
  const T* data = static_cast<const T*>(block.data);
  return static_cast<std::size_t>(std::find_if(data, data + block.count, wanted) -
                                  data);
}

template <typename T>
bool is_key_of_value(std::int64_t key) {
  return key >= kLowestKey<T> && key <= kHighestKey<T>;
}

template <typename T>
bool is_valid(const Extreme& least, const Extreme& greatest) {
  if (std::is_floating_point_v<T> && least.key == kNanLeast)
    return greatest.key == kNanGreatest && least.position == greatest.position;
  return is_key_of_value<T>(least.key) && is_key_of_value<T>(greatest.key) &&
         least.key <= greatest.key &&
         // Equal ends mean that all elements are equal: both have the first position.
         (least.key != greatest.key || least.position == greatest.position);
}

}  // namespace

bool ExtremesState::is_nan() const {
  return model::is_float(type_) && any_ && least_.key == kNanLeast;
}

// Finding where an extreme is costs a second look, taken only if the chunk has one
// that could replace ours.
template <typename T>
std::size_t ExtremesState::update_chunk(const Block& chunk, const KeyRange& range) {
  const Position first = position_in(chunk, 0);
  if (!is_key_of_value<T>(range.least) || !is_key_of_value<T>(range.greatest)) {
    const std::size_t at = first_in<T>(
        chunk, [](T value) { return !is_key_of_value<T>(order_key(value)); });
    const Position position = position_in(chunk, at);
    if (!any_ || is_better_least({kNanLeast, position}, least_)) {
      least_ = {kNanLeast, position};
      greatest_ = {kNanGreatest, position};
    }
    any_ = true;
    return range.visited;
  }
  const auto locate = [&chunk](std::int64_t key) {
    const std::size_t at =
        first_in<T>(chunk, [key](T value) { return order_key(value) == key; });
    return Extreme{key, position_in(chunk, at)};
  };
  if (!any_ || is_better_least({range.least, first}, least_)) {
    const Extreme candidate = locate(range.least);
    if (!any_ || is_better_least(candidate, least_)) least_ = candidate;
  }
  if (!any_ || is_better_greatest({range.greatest, first}, greatest_)) {
    const Extreme candidate = locate(range.greatest);
    if (!any_ || is_better_greatest(candidate, greatest_)) greatest_ = candidate;
  }
  any_ = true;
  return range.visited;
}

template <typename T>
std::size_t ExtremesState::update_typed(const Block& block) {
  constexpr std::size_t kChunkBytes = 16384;  // the second look finds it in L1
  std::size_t visited = 0;
  while (visited < block.count) {
    Block chunk = block;
    chunk.data = static_cast<const T*>(block.data) + visited;
    chunk.count = std::min(block.count - visited, kChunkBytes / sizeof(T));
    chunk.first_index += visited;
    if (chunk.indices != nullptr) chunk.indices += visited;
    visited += update_chunk<T>(
        chunk, key_range(static_cast<const T*>(chunk.data), chunk.count));
  }
  return visited;
}

std::size_t ExtremesState::update(const Block& block) {
  return model::with_type(
      type_, [&](auto zero) { return update_typed<decltype(zero)>(block); });
}

void ExtremesState::update_between(const Block& block, double least, double greatest) {
  if (least == 0 || greatest == 0) {  // which of the zeros, only a look at them shows
    update(block);
    return;
  }
  const auto keys = [&](auto zero) {
    using T = decltype(zero);
    update_chunk<T>(block, {order_key(static_cast<T>(least)),
                            order_key(static_cast<T>(greatest)), block.count});
  };
  type_ == model::ElementType::F32 ? keys(0.0F) : keys(0.0);
}

std::uint64_t ExtremesState::update_range(const RangeBlock& block) {
  TALLY_CHECK(type_ == model::ElementType::I64);
  return update_in_blocks(*this, block);
}

void ExtremesState::merge(const State& from) {
  const auto& other = static_cast<const ExtremesState&>(from);
  if (!other.any_) return;
  if (!any_ || is_better_least(other.least_, least_)) least_ = other.least_;
  if (!any_ || is_better_greatest(other.greatest_, greatest_))
    greatest_ = other.greatest_;
  any_ = true;
}

void ExtremesState::serialise(std::vector<std::byte>& into) const {
  put_little_endian(into, std::uint64_t{any_});
  for (const Extreme& extreme : {least_, greatest_}) {
    put_little_endian(into, static_cast<std::uint64_t>(extreme.key));
    put_little_endian(into, extreme.position.index);
  }
  put_little_endian(into, least_.position.file);
  put_little_endian(into, greatest_.position.file);
}

Result<void> ExtremesState::deserialise(std::uint16_t version,
                                        std::span<const std::byte> bytes) {
  const auto layout = check_layout(*this, version, bytes, kStateBytes);
  if (!layout) return layout;
  const auto word = [bytes](std::size_t at) {
    return get_little_endian<std::uint64_t>(bytes, at);
  };
  const auto file = [bytes](std::size_t at) {
    return get_little_endian<std::uint32_t>(bytes, at);
  };
  const Extreme least{static_cast<std::int64_t>(word(8)), {file(40), word(16)}};
  const Extreme greatest{static_cast<std::int64_t>(word(24)), {file(44), word(32)}};
  const std::uint64_t any = word(0);
  const bool valid = any == 0 ? least == Extreme{} && greatest == Extreme{}
                              : any == 1 && model::with_type(type_, [&](auto zero) {
                                  return is_valid<decltype(zero)>(least, greatest);
                                });
  if (!valid) return bad_state("minimum and maximum");
  any_ = any != 0;
  least_ = least;
  greatest_ = greatest;
  return {};
}

void ExtremesState::clear() {
  any_ = false;
  least_ = greatest_ = Extreme{};
}

}  // namespace tally::reduce

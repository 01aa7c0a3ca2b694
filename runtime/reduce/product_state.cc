#include "runtime/reduce/product_state.h"

#include <algorithm>
#include <concepts>

#include "ipc/base/check.h"
#include "runtime/reduce/bits_kernel.h"
#include "runtime/reduce/little_endian.h"
#include "runtime/reduce/range_blocks.h"
#include "runtime/reduce/state_bytes.h"

namespace tally::reduce {
namespace {

constexpr std::size_t kStateBytes = 24;

// The size of an integer; that of the least one of a type does not fit the type.
template <std::integral T>
UInt128 size_of_element(T element) {
  const Int128 wide{element};
  return static_cast<UInt128>(wide < 0 ? -wide : wide);
}

}  // namespace

ProductState::ProductState(model::ElementType type) : type_(type) {
  TALLY_CHECK(!model::is_float(type));
}

void ProductState::multiply(bool negative, UInt128 size) {
  if (size == 0 || size_ == 0) {
    size_ = 0;
  } else if (size != 1) {  // 1 is left out to spare the division
    // Neither is 0, so what is too large stays so.
    size_ = size_ == kTooLarge || size > kLargest / size_ ? kTooLarge : size_ * size;
  }
  negative_ = size_ != 0 && size_ != kTooLarge && negative_ != negative;
}

// Once the product is too large only zeros are looked for, at the speed of memory, and
// that is after 128 elements other than 0, 1 and -1; once it is 0 nothing is.
template <typename T>
std::size_t ProductState::update_typed(const Block& block) {
  const T* data = static_cast<const T*>(block.data);
  std::size_t visited = 0;
  for (; visited < block.count && size_ != 0 && size_ != kTooLarge; ++visited) {
    const T element = data[visited];
    multiply(element < 0, size_of_element(element));
  }
  if (visited == block.count) return visited;
  const BitsRun rest = bits_of(data + visited, block.count - visited);
  if (rest.zero_seen) multiply(false, 0);
  return visited + rest.visited;
}

std::size_t ProductState::update(const Block& block) {
  return model::with_type(type_, [&](auto zero) -> std::size_t {
    using T = decltype(zero);
    if constexpr (std::integral<T>) {
      return update_typed<T>(block);
    } else {
      return 0;  // the constructor refuses these types
    }
  });
}

std::uint64_t ProductState::update_range(const RangeBlock& block) {
  return update_in_blocks(*this, block);
}

void ProductState::merge(const State& from) {
  const auto& other = static_cast<const ProductState&>(from);
  multiply(other.negative_, other.size_);
}

void ProductState::serialise(std::vector<std::byte>& into) const {
  put_little_endian(into, static_cast<std::uint64_t>(size_));
  put_little_endian(into, static_cast<std::uint64_t>(size_ >> 64));
  put_little_endian(into, std::uint64_t{negative_});
}

Result<void> ProductState::deserialise(std::uint16_t version,
                                       std::span<const std::byte> bytes) {
  const auto layout = check_layout(*this, version, bytes, kStateBytes);
  if (!layout) return layout;
  const auto word = [bytes](std::size_t at) {
    return get_little_endian<std::uint64_t>(bytes, at);
  };
  const UInt128 size = (UInt128{word(8)} << 64) | word(0);
  const std::uint64_t negative = word(16);
  const bool has_sign = size != 0 && size != kTooLarge;
  if (size > kTooLarge || negative > 1 || (negative == 1 && !has_sign))
    return bad_state("product");
  size_ = size;
  negative_ = negative == 1;
  return {};
}

void ProductState::clear() {
  size_ = 1;
  negative_ = false;
}

std::optional<Int128> ProductState::value() const {
  if (size_ > kLargest || (size_ == kLargest && !negative_)) return std::nullopt;
  return static_cast<Int128>(negative_ ? UInt128{0} - size_ : size_);
}

}  // namespace tally::reduce

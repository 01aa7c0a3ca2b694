#include "runtime/reduce/dot_state.h"

#include <algorithm>
#include <type_traits>

#include "ipc/base/check.h"
#include "runtime/reduce/float_dot.h"
#include "runtime/reduce/float_parts.h"
#include "runtime/reduce/limbs.h"
#include "runtime/reduce/little_endian.h"
#include "runtime/reduce/state_bytes.h"

namespace tally::reduce {
namespace {

constexpr std::size_t kIntegerBytes = 32;
constexpr std::size_t kLimbsOffset = 8;
constexpr std::size_t kFloatBytes = kLimbsOffset + 8 * ProductSum::kLimbs;

// Products of one run, what weighs 1 and what weighs 2^64 summed apart: room for 2^63
// of them.
struct RunOfProducts {
  UInt128 low = 0;
  Int128 high = 0;

  void add(Int128 product) {
    low += static_cast<std::uint64_t>(product);
    high += static_cast<std::int64_t>(product >> kLimbBits);
  }
  void add(UInt128 product) {
    low += static_cast<std::uint64_t>(product);
    high += static_cast<std::uint64_t>(product >> kLimbBits);
  }
};

// Elements of at most 16 bits: 2^30 of their products fit 64 bits.
template <typename T>
void add_products(const T* x, const T* y, std::size_t count, RunOfProducts& into) {
  constexpr std::size_t kRoom = std::size_t{1} << 30;
  for (std::size_t at = 0; at < count;) {
    const std::size_t end = at + std::min(kRoom, count - at);
    std::int64_t sum = 0;
    for (; at < end; ++at) sum += std::int64_t{x[at]} * y[at];
    into.add(Int128{sum});
  }
}

// Of 32 bits: 2^63 of their products fit 128 bits.
template <typename T>
requires(sizeof(T) == 4) void add_products(const T* x, const T* y, std::size_t count,
                                           RunOfProducts& into) {
  using Wide = std::conditional_t<std::is_signed_v<T>, std::int64_t, std::uint64_t>;
  Int128 sum = 0;
  for (std::size_t at = 0; at < count; ++at) sum += Wide{x[at]} * y[at];
  into.add(sum);
}

template <typename T>
requires(sizeof(T) == 8) void add_products(const T* x, const T* y, std::size_t count,
                                           RunOfProducts& into) {
  using Wide = std::conditional_t<std::is_signed_v<T>, Int128, UInt128>;
  for (std::size_t at = 0; at < count; ++at) into.add(Wide{x[at]} * y[at]);
}

}  // namespace

IntegerDotState::IntegerDotState(model::ElementType type) : type_(type) {
  TALLY_CHECK(!model::is_float(type));
}

std::size_t IntegerDotState::update(const Block& block) {
  return model::with_type(type_, [&](auto zero) -> std::size_t {
    using T = decltype(zero);
    if constexpr (std::is_integral_v<T>) {
      RunOfProducts run;
      add_products(static_cast<const T*>(block.data),
                   static_cast<const T*>(block.paired), block.count, run);
      add_at(total_, static_cast<Int128>(run.low), 0);
      add_at(total_, run.high, kLimbBits);
      return block.count;
    } else {
      return 0;  // the constructor refuses these types
    }
  });
}

std::uint64_t IntegerDotState::update_range(const RangeBlock&) {
  TALLY_CHECK(false);  // a range has no pairs
  return 0;
}

void IntegerDotState::merge(const State& from) {
  add_limbs(total_, static_cast<const IntegerDotState&>(from).total_);
}

void IntegerDotState::serialise(std::vector<std::byte>& into) const {
  put_words(into, total_);
}

Result<void> IntegerDotState::deserialise(std::uint16_t version,
                                          std::span<const std::byte> bytes) {
  const auto layout = check_layout(*this, version, bytes, kIntegerBytes);
  if (!layout) return layout;
  total_ = get_words<decltype(total_)>(bytes, 0);
  return {};
}

std::optional<Int128> IntegerDotState::total() const {
  const UInt128 total = (UInt128{total_[1]} << kLimbBits) | total_[0];
  const std::uint64_t sign = (total >> 127) != 0 ? ~std::uint64_t{0} : 0;
  if (total_[2] != sign || total_[3] != sign) return std::nullopt;
  return static_cast<Int128>(total);
}

FloatDotState::FloatDotState(model::ElementType type) : type_(type) {
  TALLY_CHECK(model::is_float(type));
}

std::size_t FloatDotState::update(const Block& block) {
  const auto dot = [&](const auto* x) {
    return float_dot(x, static_cast<decltype(x)>(block.paired), block.count, sum_,
                     seen_, plan_);
  };
  const FloatRun run = type_ == model::ElementType::F32
                           ? dot(static_cast<const float*>(block.data))
                           : dot(static_cast<const double*>(block.data));
  seen_ = seen_together(seen_, run.seen);
  return run.visited;
}

std::uint64_t FloatDotState::update_range(const RangeBlock&) {
  TALLY_CHECK(false);  // a range has no pairs
  return 0;
}

void FloatDotState::merge(const State& from) {
  const auto& other = static_cast<const FloatDotState&>(from);
  seen_ = seen_together(seen_, other.seen_);
  sum_.merge(other.sum_);
}

void FloatDotState::serialise(std::vector<std::byte>& into) const {
  put_little_endian(into, std::uint64_t{seen_});
  put_words(into, sum_.limbs());
}

Result<void> FloatDotState::deserialise(std::uint16_t version,
                                        std::span<const std::byte> bytes) {
  const auto layout = check_layout(*this, version, bytes, kFloatBytes);
  if (!layout) return layout;
  const auto seen = get_little_endian<std::uint64_t>(bytes, 0);
  const ProductSum sum(get_words<ProductSum::Limbs>(bytes, kLimbsOffset));
  if (!can_be_seen(seen, sum.is_zero()) || !sum.is_in_reach())
    return bad_state("sum of products of floats");
  seen_ = static_cast<std::uint8_t>(seen);
  sum_ = sum;
  return {};
}

void FloatDotState::clear() {
  seen_ = 0;
  sum_ = ProductSum();
}

double FloatDotState::value() const {
  if (const auto special = special_sum(seen_)) return *special;
  return sum_.rounded();
}

}  // namespace tally::reduce

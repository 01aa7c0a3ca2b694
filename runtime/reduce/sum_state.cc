#include "runtime/reduce/sum_state.h"

#include <type_traits>

#include "ipc/base/check.h"
#include "runtime/reduce/float_bins.h"
#include "runtime/reduce/int_sum.h"
#include "runtime/reduce/little_endian.h"
#include "runtime/reduce/range_sum.h"
#include "runtime/reduce/state_bytes.h"

namespace tally::reduce {
namespace {

constexpr std::size_t kIntegerBytes = 16;
constexpr std::size_t kLimbsOffset = 8;
constexpr std::size_t kFloatBytes = kLimbsOffset + 8 * Superaccumulator::kLimbs;

// 2^64 doubles need 2163 bits; those above are copies of the sign.
bool is_in_reach(const Superaccumulator& sum) {
  constexpr unsigned kBitsUsedAtTop = 2163 - 64 * (Superaccumulator::kLimbs - 1);
  const auto top = static_cast<std::int64_t>(sum.limbs().back()) >> kBitsUsedAtTop;
  return top == 0 || top == -1;
}

}  // namespace

IntegerSumState::IntegerSumState(model::ElementType type) : type_(type) {
  TALLY_CHECK(!model::is_float(type));
}

std::size_t IntegerSumState::update(const Block& block) {
  return model::with_type(type_, [&](auto zero) -> std::size_t {
    using T = decltype(zero);
    if constexpr (std::is_integral_v<T>) {
      const auto sum = integer_sum(static_cast<const T*>(block.data), block.count);
      total_ += static_cast<UInt128>(sum.total);
      return sum.visited;
    } else {
      return 0;  // the constructor refuses these types
    }
  });
}

std::uint64_t IntegerSumState::update_range(const RangeBlock& block) {
  TALLY_CHECK(type_ == model::ElementType::I64);
  const RangeSum sum = range_sum(block);
  total_ += static_cast<UInt128>(sum.total);
  return sum.visited;
}

void IntegerSumState::merge(const State& from) {
  total_ += static_cast<const IntegerSumState&>(from).total_;
}

void IntegerSumState::serialise(std::vector<std::byte>& into) const {
  put_little_endian(into, total_);
}

Result<void> IntegerSumState::deserialise(std::uint16_t version,
                                          std::span<const std::byte> bytes) {
  const auto layout = check_layout(*this, version, bytes, kIntegerBytes);
  if (!layout) return layout;
  const auto low = get_little_endian<std::uint64_t>(bytes, 0);
  const auto high = get_little_endian<std::uint64_t>(bytes, 8);
  total_ = (UInt128{high} << 64) | low;
  return {};
}

Superaccumulator IntegerSumState::sum() const {
  Superaccumulator sum;
  sum.add(total(), Superaccumulator::kOneBit);
  return sum;
}

double IntegerSumState::mean(std::uint64_t count) const {
  return sum().rounded_quotient(count);
}

FloatSumState::FloatSumState(model::ElementType type) : type_(type) {
  TALLY_CHECK(model::is_float(type));
}

std::size_t FloatSumState::update(const Block& block) {
  const FloatRun run =
      type_ == model::ElementType::F32
          ? float_sum(static_cast<const float*>(block.data), block.count, sum_, plan_)
          : float_sum(static_cast<const double*>(block.data), block.count, sum_, plan_);
  note(run.seen);
  return run.visited;
}

void FloatSumState::note(std::uint8_t seen) {
  seen_ = seen_together(seen_, seen);
}

std::uint64_t FloatSumState::update_range(const RangeBlock&) {
  TALLY_CHECK(type_ == model::ElementType::I64);  // never: see the header
  return 0;
}

void FloatSumState::merge(const State& from) {
  const auto& other = static_cast<const FloatSumState&>(from);
  note(other.seen_);
  sum_.merge(other.sum_);
}

void FloatSumState::add_finite(const Superaccumulator& sum) {
  note(kSeenOther);
  sum_.merge(sum);
}

void FloatSumState::serialise(std::vector<std::byte>& into) const {
  put_little_endian(into, std::uint64_t{seen_});
  put_words(into, sum_.limbs());
}

Result<void> FloatSumState::deserialise(std::uint16_t version,
                                        std::span<const std::byte> bytes) {
  const auto layout = check_layout(*this, version, bytes, kFloatBytes);
  if (!layout) return layout;
  const auto seen = get_little_endian<std::uint64_t>(bytes, 0);
  const Superaccumulator sum(get_words<Superaccumulator::Limbs>(bytes, kLimbsOffset));
  if (!can_be_seen(seen, sum.is_zero()) || !is_in_reach(sum))
    return bad_state("sum of floats");
  seen_ = static_cast<std::uint8_t>(seen);
  sum_ = sum;
  return {};
}

void FloatSumState::clear() {
  seen_ = 0;
  sum_ = Superaccumulator();
}

double FloatSumState::mean(std::uint64_t count) const {
  if (const auto special = special_sum(seen_)) return *special;
  return sum_.rounded_quotient(count);
}

}  // namespace tally::reduce

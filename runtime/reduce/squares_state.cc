#include "runtime/reduce/squares_state.h"

#include <algorithm>
#include <type_traits>

#include "ipc/base/check.h"
#include "runtime/reduce/float_squares.h"
#include "runtime/reduce/int_squares_kernel.h"
#include "runtime/reduce/limbs.h"
#include "runtime/reduce/little_endian.h"
#include "runtime/reduce/state_bytes.h"

namespace tally::reduce {
namespace {

constexpr std::size_t kIntegerBytes = 24;
constexpr std::size_t kLimbsOffset = 8;
constexpr std::size_t kFloatBytes = kLimbsOffset + 8 * ProductSum::kLimbs;
constexpr std::uint8_t kInfinity = kSeenPositiveInfinity;
constexpr std::uint64_t kAllSquareFlags = kSeenNan | kInfinity;

// Squares of one run, summed apart: what weighs 1 and what weighs 2^64. Room for 2^63
// squares.
class RunOfSquares {
 public:
  void add(std::uint64_t size) {
    const UInt128 square = UInt128{size} * size;
    low_ += static_cast<std::uint64_t>(square);
    high_ += static_cast<std::uint64_t>(square >> kLimbBits);
  }

  // Elements that the kernel read, of `size` bytes each.
  void add(const SquareHalves& sums, std::size_t size) {
    low_ += sums.low + (UInt128{sums.high} << (size == 4 ? 32 : 0));
  }
  void add(const LongSquares& sums) {
    low_ += value(sums.lower);
    const UInt128 mixed = value(sums.mixed);  // weighs 2^33: 31 bits are below 2^64
    low_ += (mixed & ((1U << 31) - 1)) << 33;
    high_ += (mixed >> 31) + value(sums.upper);
  }

  void add_to(std::array<std::uint64_t, 3>& total) const {
    const UInt128 upper = high_ + (low_ >> kLimbBits);
    const std::array<std::uint64_t, 3> run{
        static_cast<std::uint64_t>(low_), static_cast<std::uint64_t>(upper),
        static_cast<std::uint64_t>(upper >> kLimbBits)};
    add_limbs(total, run);
  }

 private:
  static UInt128 value(const ProductHalves& halves) {
    return halves.low + (UInt128{halves.high} << 32);
  }

  UInt128 low_ = 0;
  UInt128 high_ = 0;
};

// |value|, the least value's too.
template <typename T>
std::uint64_t size_of_value(T value) {
  const auto bits = static_cast<std::uint64_t>(value);
  return value < 0 ? -bits : bits;
}

}  // namespace

IntegerSquaresState::IntegerSquaresState(model::ElementType type) : type_(type) {
  TALLY_CHECK(!model::is_float(type));
}

std::size_t IntegerSquaresState::update(const Block& block) {
  return model::with_type(type_, [&](auto zero) -> std::size_t {
    using T = decltype(zero);
    std::size_t visited = 0;
    if constexpr (std::is_integral_v<T>) {  // the constructor refuses others
      const T* data = static_cast<const T*>(block.data);
      RunOfSquares run;
      while (visited < block.count) {
        const std::size_t count = std::min(kMaxSquares, block.count - visited);
        const std::size_t before = visited;
        if constexpr (sizeof(T) == 8) {
          const LongSquares sums = long_squares(data + visited, count);
          run.add(sums);
          visited += sums.visited;
        } else {
          const SquareHalves sums = square_halves(data + visited, count);
          run.add(sums, sizeof(T));
          visited += sums.visited;
        }
        if (visited == before) break;  // what is left is less than a vector
      }
      for (; visited < block.count; ++visited) run.add(size_of_value(data[visited]));
      run.add_to(total_);
    }
    return visited;
  });
}

std::uint64_t IntegerSquaresState::update_range(const RangeBlock& block) {
  TALLY_CHECK(type_ == model::ElementType::I64);
  RunOfSquares run;
  auto element = static_cast<std::uint64_t>(block.first);
  std::uint64_t visited = 0;
  for (; visited < block.count; ++visited) {
    run.add(size_of_value(static_cast<std::int64_t>(element)));
    element += static_cast<std::uint64_t>(block.step);
  }
  run.add_to(total_);
  return visited;
}

void IntegerSquaresState::merge(const State& from) {
  add_limbs(total_, static_cast<const IntegerSquaresState&>(from).total_);
}

void IntegerSquaresState::serialise(std::vector<std::byte>& into) const {
  put_words(into, total_);
}

Result<void> IntegerSquaresState::deserialise(std::uint16_t version,
                                              std::span<const std::byte> bytes) {
  const auto layout = check_layout(*this, version, bytes, kIntegerBytes);
  if (!layout) return layout;
  total_ = get_words<decltype(total_)>(bytes, 0);
  return {};
}

std::optional<Int128> IntegerSquaresState::total() const {
  const UInt128 total = (UInt128{total_[1]} << kLimbBits) | total_[0];
  if (total_[2] != 0 || (total >> 127) != 0) return std::nullopt;
  return static_cast<Int128>(total);
}

ProductSum IntegerSquaresState::squares() const {
  ProductSum squares;
  for (unsigned i = 0; i < total_.size(); ++i)
    squares.add(Int128{total_[i]}, ProductSum::kOneBit + kLimbBits * i);
  return squares;
}

FloatSquaresState::FloatSquaresState(model::ElementType type) : type_(type) {
  TALLY_CHECK(model::is_float(type));
}

std::size_t FloatSquaresState::update(const Block& block) {
  const auto squares = [&](const auto* data) {
    return float_squares(data, block.count, squares_, plan_);
  };
  const FloatRun run = type_ == model::ElementType::F32
                           ? squares(static_cast<const float*>(block.data))
                           : squares(static_cast<const double*>(block.data));
  if ((run.seen & kSeenNan) != 0) seen_ |= kSeenNan;
  if ((run.seen & (kSeenPositiveInfinity | kSeenNegativeInfinity)) != 0)
    seen_ |= kInfinity;
  return run.visited;
}

std::uint64_t FloatSquaresState::update_range(const RangeBlock&) {
  TALLY_CHECK(type_ == model::ElementType::I64);  // never: see the header
  return 0;
}

void FloatSquaresState::merge(const State& from) {
  const auto& other = static_cast<const FloatSquaresState&>(from);
  seen_ |= other.seen_;
  squares_.merge(other.squares_);
}

void FloatSquaresState::serialise(std::vector<std::byte>& into) const {
  put_little_endian(into, std::uint64_t{seen_});
  put_words(into, squares_.limbs());
}

Result<void> FloatSquaresState::deserialise(std::uint16_t version,
                                            std::span<const std::byte> bytes) {
  const auto layout = check_layout(*this, version, bytes, kFloatBytes);
  if (!layout) return layout;
  const auto seen = get_little_endian<std::uint64_t>(bytes, 0);
  const ProductSum squares(get_words<ProductSum::Limbs>(bytes, kLimbsOffset));
  if ((seen & ~kAllSquareFlags) != 0 || !squares.is_in_reach() || squares.is_negative())
    return bad_state("sum of squares of floats");
  seen_ = static_cast<std::uint8_t>(seen);
  squares_ = squares;
  return {};
}

void FloatSquaresState::clear() {
  seen_ = 0;
  squares_ = ProductSum();
}

bool FloatSquaresState::has_nan() const {
  return (seen_ & kSeenNan) != 0;
}

bool FloatSquaresState::has_infinity() const {
  return (seen_ & kInfinity) != 0;
}

}  // namespace tally::reduce

#include "runtime/reduce/bits_state.h"

#include "runtime/reduce/bits_kernel.h"
#include "runtime/reduce/little_endian.h"
#include "runtime/reduce/range_blocks.h"
#include "runtime/reduce/state_bytes.h"

namespace tally::reduce {
namespace {

constexpr std::size_t kStateBytes = 32;
constexpr std::uint64_t kZeroSeen = 1;
constexpr std::uint64_t kNonzeroSeen = 2;

}  // namespace

BitsState::BitsState(model::ElementType type) : type_(type), conjunction_(all_ones()) {}

std::uint64_t BitsState::all_ones() const {
  if (model::is_float(type_)) return 0;
  return ~std::uint64_t{0} >> (64 - 8 * model::size_of(type_));
}

Int128 BitsState::value_of(std::uint64_t word) const {
  const std::uint64_t sign = std::uint64_t{1} << (8 * model::size_of(type_) - 1);
  if (!model::is_signed_integer(type_) || (word & sign) == 0) return Int128{word};
  return Int128{word} - 2 * Int128{sign};
}

std::size_t BitsState::update(const Block& block) {
  if (block.count == 0) return 0;
  const BitsRun run = model::with_type(type_, [&](auto zero) {
    return bits_of(static_cast<const decltype(zero)*>(block.data), block.count);
  });
  zero_seen_ = zero_seen_ || run.zero_seen;
  nonzero_seen_ = nonzero_seen_ || run.disjunction != 0;
  if (!model::is_float(type_)) {
    conjunction_ &= run.conjunction;
    disjunction_ |= run.disjunction;
    difference_ ^= run.difference;
  }
  return run.visited;
}

std::uint64_t BitsState::update_range(const RangeBlock& block) {
  return update_in_blocks(*this, block);
}

void BitsState::merge(const State& from) {
  const auto& other = static_cast<const BitsState&>(from);
  zero_seen_ = zero_seen_ || other.zero_seen_;
  nonzero_seen_ = nonzero_seen_ || other.nonzero_seen_;
  conjunction_ &= other.conjunction_;
  disjunction_ |= other.disjunction_;
  difference_ ^= other.difference_;
}

void BitsState::serialise(std::vector<std::byte>& into) const {
  put_little_endian(into,
                    (zero_seen_ ? kZeroSeen : 0) | (nonzero_seen_ ? kNonzeroSeen : 0));
  put_little_endian(into, conjunction_);
  put_little_endian(into, disjunction_);
  put_little_endian(into, difference_);
}

// Whether there can be elements that this is the state of.
bool BitsState::is_valid() const {
  const std::uint64_t ones = all_ones();
  const bool none = !zero_seen_ && !nonzero_seen_;
  if (model::is_float(type_) || none)
    return conjunction_ == ones && disjunction_ == 0 && difference_ == 0;
  return (disjunction_ & ~ones) == 0 && (conjunction_ & ~disjunction_) == 0 &&
         (difference_ & ~disjunction_) == 0 && (disjunction_ != 0) == nonzero_seen_ &&
         !(zero_seen_ && conjunction_ != 0);
}

Result<void> BitsState::deserialise(std::uint16_t version,
                                    std::span<const std::byte> bytes) {
  const auto layout = check_layout(*this, version, bytes, kStateBytes);
  if (!layout) return layout;
  const auto word = [bytes](std::size_t at) {
    return get_little_endian<std::uint64_t>(bytes, at);
  };
  BitsState read(type_);
  read.zero_seen_ = (word(0) & kZeroSeen) != 0;
  read.nonzero_seen_ = (word(0) & kNonzeroSeen) != 0;
  read.conjunction_ = word(8);
  read.disjunction_ = word(16);
  read.difference_ = word(24);
  if (word(0) > (kZeroSeen | kNonzeroSeen) || !read.is_valid())
    return bad_state("bits of elements");
  clear();
  merge(read);
  return {};
}

void BitsState::clear() {
  zero_seen_ = nonzero_seen_ = false;
  conjunction_ = all_ones();
  disjunction_ = difference_ = 0;
}

}  // namespace tally::reduce

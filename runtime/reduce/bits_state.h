// The family Bits: all elements put together bit by bit, and whether any or all of
// them are zero. any, all, and, or and xor finish it.
//
// An integer is its two's complement in as many bits as its type has. Floats have no
// words, only the flags: -0 is zero, NaN is not. Bytes: runtime/reduce/README.md.
#pragma once

#include <cstdint>

#include "ipc/base/int128.h"
#include "runtime/reduce/state.h"

namespace tally::reduce {

class BitsState final : public State {
 public:
  explicit BitsState(model::ElementType type);

  std::size_t update(const Block& block) override;
  std::uint64_t update_range(const RangeBlock& block) override;
  void merge(const State& from) override;
  model::Family family() const override { return model::Family::Bits; }
  std::uint16_t version() const override { return 1; }
  void serialise(std::vector<std::byte>& into) const override;
  Result<void> deserialise(std::uint16_t version,
                           std::span<const std::byte> bytes) override;
  void clear() override;

  bool any() const { return nonzero_seen_; }  // of no elements: false
  bool all() const { return !zero_seen_; }    // of no elements: true
  // Integers only, as a value of the type. Of no elements they are what changes
  // nothing: all ones for the first, zero for the others.
  Int128 conjunction() const { return value_of(conjunction_); }
  Int128 disjunction() const { return value_of(disjunction_); }
  Int128 difference() const { return value_of(difference_); }

 private:
  std::uint64_t all_ones() const;
  Int128 value_of(std::uint64_t word) const;
  bool is_valid() const;

  const model::ElementType type_;
  bool zero_seen_ = false;
  bool nonzero_seen_ = false;
  std::uint64_t conjunction_;
  std::uint64_t disjunction_ = 0;
  std::uint64_t difference_ = 0;
};

}  // namespace tally::reduce

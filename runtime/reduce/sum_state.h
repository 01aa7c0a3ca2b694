// The family Sum: the exact sum of a column. sum and mean finish it, and var and std
// together with the family Squares.
//
// Integers are summed in 128 bits (2^64 elements of 64 bits fit), floats in a
// superaccumulator beside flags for what fixed point cannot hold: NaN, infinities,
// and whether -0 or anything else was seen. Bytes: runtime/reduce/README.md.
#pragma once

#include <cstdint>

#include "ipc/base/int128.h"
#include "runtime/reduce/float_sum_kernel.h"
#include "runtime/reduce/state.h"
#include "runtime/reduce/superaccumulator.h"

namespace tally::reduce {

// Element types I8 to U64.
class IntegerSumState final : public State {
 public:
  explicit IntegerSumState(model::ElementType type);

  std::size_t update(const Block& block) override;
  std::uint64_t update_range(const RangeBlock& block) override;
  void merge(const State& from) override;
  model::Family family() const override { return model::Family::Sum; }
  std::uint16_t version() const override { return 1; }
  void serialise(std::vector<std::byte>& into) const override;
  Result<void> deserialise(std::uint16_t version,
                           std::span<const std::byte> bytes) override;
  void clear() override { total_ = 0; }

  Int128 total() const { return static_cast<Int128>(total_); }
  Superaccumulator sum() const;
  // The true sum divided by `count`, correctly rounded. Precondition: count > 0.
  double mean(std::uint64_t count) const;

 private:
  const model::ElementType type_;
  UInt128 total_ = 0;  // two's complement; unsigned because bytes may lie: it wraps
};

// Element types F32 and F64.
class FloatSumState final : public State {
 public:
  explicit FloatSumState(model::ElementType type);

  std::size_t update(const Block& block) override;
  std::uint64_t update_range(
      const RangeBlock& block) override;  // a bug: ends the process
  void merge(const State& from) override;
  model::Family family() const override { return model::Family::Sum; }
  std::uint16_t version() const override { return 2; }
  void serialise(std::vector<std::byte>& into) const override;
  Result<void> deserialise(std::uint16_t version,
                           std::span<const std::byte> bytes) override;
  void clear() override;

  // The true sum divided by `count`, correctly rounded: infinities and NaN as IEEE 754
  // has them, -0 if there was nothing but -0, and 0 for no elements at all. The sum
  // itself is mean(1). Precondition: count > 0.
  double mean(std::uint64_t count) const;
  model::ElementType type() const { return type_; }
  // The sum of finite elements, not all of them zero, that update() did not get.
  void add_finite(const Superaccumulator& sum);
  const Superaccumulator& sum() const { return sum_; }  // of the finite elements

 private:
  void note(std::uint8_t seen);

  const model::ElementType type_;
  std::uint8_t seen_ = 0;  // SeenFlags; whether -0 was only matters if nothing else was
  Superaccumulator sum_;
  BlockPlan plan_;  // learnt on the way; no part of the value
};

}  // namespace tally::reduce

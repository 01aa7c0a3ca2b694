// The family Dot: the exact sum of the products of pairs, of a column whose elements
// are pairs (Block::paired). dot finishes it.
//
// Integers are summed in 256 bits (2^64 products of 64-bit elements fit), floats in a
// ProductSum beside flags for what fixed point cannot hold: products that are NaN or
// infinite, and whether -0 or anything else was among them. Bytes:
// runtime/reduce/README.md.
#pragma once

#include <array>
#include <cstdint>
#include <optional>

#include "ipc/base/int128.h"
#include "runtime/reduce/float_dot_kernel.h"
#include "runtime/reduce/product_sum.h"
#include "runtime/reduce/state.h"

namespace tally::reduce {

// Element types I8 to U64, both elements of a pair of the same.
class IntegerDotState final : public State {
 public:
  explicit IntegerDotState(model::ElementType type);

  std::size_t update(const Block& block) override;
  std::uint64_t update_range(
      const RangeBlock& block) override;  // a bug: ends the process
  void merge(const State& from) override;
  model::Family family() const override { return model::Family::Dot; }
  std::uint16_t version() const override { return 1; }
  void serialise(std::vector<std::byte>& into) const override;
  Result<void> deserialise(std::uint16_t version,
                           std::span<const std::byte> bytes) override;
  void clear() override { total_ = {}; }

  // The sum, if 128 bits hold it.
  std::optional<Int128> total() const;

 private:
  const model::ElementType type_;
  std::array<std::uint64_t, 4> total_{};  // least first, two's complement
};

// Element types F32 and F64.
class FloatDotState final : public State {
 public:
  explicit FloatDotState(model::ElementType type);

  std::size_t update(const Block& block) override;
  std::uint64_t update_range(
      const RangeBlock& block) override;  // a bug: ends the process
  void merge(const State& from) override;
  model::Family family() const override { return model::Family::Dot; }
  std::uint16_t version() const override { return 1; }
  void serialise(std::vector<std::byte>& into) const override;
  Result<void> deserialise(std::uint16_t version,
                           std::span<const std::byte> bytes) override;
  void clear() override;

  // The true sum, correctly rounded: infinities and NaN as IEEE 754 has them, -0 if
  // there was nothing but -0, and 0 for no pairs at all.
  double value() const;

 private:
  const model::ElementType type_;
  std::uint8_t seen_ = 0;  // SeenFlags, of the products
  ProductSum sum_;         // of the finite products
  DotPlan plan_;           // learnt on the way; no part of the value
};

}  // namespace tally::reduce

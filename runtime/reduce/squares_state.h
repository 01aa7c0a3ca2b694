// The family Squares: the exact sum of the squares of a column. sumsq and norm2 finish
// it alone, var and std together with the family Sum.
//
// Integers are summed in 192 bits (2^64 squares of 64-bit elements fit), floats in a
// ProductSum beside flags for what fixed point cannot hold: NaN, infinities. Bytes:
// runtime/reduce/README.md.
#pragma once

#include <array>
#include <cstdint>
#include <optional>

#include "ipc/base/int128.h"
#include "runtime/reduce/float_squares_kernel.h"
#include "runtime/reduce/product_sum.h"
#include "runtime/reduce/state.h"

namespace tally::reduce {

// Element types I8 to U64.
class IntegerSquaresState final : public State {
 public:
  explicit IntegerSquaresState(model::ElementType type);

  std::size_t update(const Block& block) override;
  std::uint64_t update_range(const RangeBlock& block) override;
  void merge(const State& from) override;
  model::Family family() const override { return model::Family::Squares; }
  std::uint16_t version() const override { return 1; }
  void serialise(std::vector<std::byte>& into) const override;
  Result<void> deserialise(std::uint16_t version,
                           std::span<const std::byte> bytes) override;
  void clear() override { total_ = {}; }

  // The sum, if it is below 2^127.
  std::optional<Int128> total() const;
  ProductSum squares() const;

 private:
  const model::ElementType type_;
  std::array<std::uint64_t, 3> total_{};  // least first
};

// Element types F32 and F64.
class FloatSquaresState final : public State {
 public:
  explicit FloatSquaresState(model::ElementType type);

  std::size_t update(const Block& block) override;
  std::uint64_t update_range(
      const RangeBlock& block) override;  // a bug: ends the process
  void merge(const State& from) override;
  model::Family family() const override { return model::Family::Squares; }
  std::uint16_t version() const override { return 1; }
  void serialise(std::vector<std::byte>& into) const override;
  Result<void> deserialise(std::uint16_t version,
                           std::span<const std::byte> bytes) override;
  void clear() override;

  // The sum of squares of finite elements that update() did not get.
  void add_finite(const ProductSum& squares) { squares_.merge(squares); }
  BlockPlan& plan() { return plan_; }  // for those who take them by the kernel

  bool has_nan() const;
  bool has_infinity() const;
  const ProductSum& squares() const { return squares_; }  // of the finite elements

 private:
  const model::ElementType type_;
  std::uint8_t seen_ = 0;  // SeenFlags: kSeenNan, kSeenPositiveInfinity for either
  ProductSum squares_;
  BlockPlan plan_;  // learnt on the way; no part of the value
};

}  // namespace tally::reduce

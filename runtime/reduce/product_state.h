// The family Product: the exact product of integers, as long as it fits 128 bits.
//
// A product that does not fit is an error, and the same one in whatever order the
// elements come: the size of a product of integers other than zero never shrinks, so
// once it has outgrown 128 bits it stays so, and only a zero changes the result, to
// zero. So the state is sign, size up to 2^127, "too large", and "a zero was seen";
// each of these is the same for any order.
//
// Floats have no such state: see runtime/reduce/README.md.
#pragma once

#include <cstdint>
#include <optional>

#include "ipc/base/int128.h"
#include "runtime/reduce/state.h"

namespace tally::reduce {

// Element types I8 to U64.
class ProductState final : public State {
 public:
  explicit ProductState(model::ElementType type);

  std::size_t update(const Block& block) override;
  std::uint64_t update_range(const RangeBlock& block) override;
  void merge(const State& from) override;
  model::Family family() const override { return model::Family::Product; }
  std::uint16_t version() const override { return 1; }
  void serialise(std::vector<std::byte>& into) const override;
  Result<void> deserialise(std::uint16_t version,
                           std::span<const std::byte> bytes) override;
  void clear() override;

  // Of no elements: 1. None: it is not in [-2^127, 2^127).
  std::optional<Int128> value() const;

 private:
  template <typename T>
  std::size_t update_typed(const Block& block);
  void multiply(bool negative, UInt128 size);

  static constexpr UInt128 kLargest = UInt128{1} << 127;
  static constexpr UInt128 kTooLarge = kLargest + 1;

  const model::ElementType type_;
  // 0: a zero was seen, and nothing else matters. kTooLarge: it is kTooLarge or more.
  UInt128 size_ = 1;
  bool negative_ = false;  // false where size_ is 0 or kTooLarge
};

}  // namespace tally::reduce

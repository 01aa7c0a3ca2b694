// The family Extremes: the least and the greatest element and where each is first.
// min, max, argmin and argmax finish it.
//
// Elements are held as order keys (order_key.h): one layout for all types. A NaN
// beats everything on both sides, so the position of both is then the first NaN's;
// equal elements go by (file, index). Bytes: runtime/reduce/README.md.
#pragma once

#include <cstdint>

#include "runtime/reduce/extremes_kernel.h"
#include "runtime/reduce/state.h"

namespace tally::reduce {

// One end: a key and its position. A NaN has kNanLeast as a least and kNanGreatest as
// a greatest key; canonical NaNs, the only ones kept, have no other use for them.
struct Extreme {
  std::int64_t key = 0;
  Position position;
  friend bool operator==(const Extreme&, const Extreme&) = default;
};

class ExtremesState final : public State {
 public:
  explicit ExtremesState(model::ElementType type) : type_(type) {}

  std::size_t update(const Block& block) override;
  std::uint64_t update_range(const RangeBlock& block) override;
  void merge(const State& from) override;
  model::Family family() const override { return model::Family::Extremes; }
  std::uint16_t version() const override { return 1; }
  void serialise(std::vector<std::byte>& into) const override;
  Result<void> deserialise(std::uint16_t version,
                           std::span<const std::byte> bytes) override;
  void clear() override;

  // update() where it is known, as equal numbers, what the least and the greatest
  // element are. Precondition: float elements, one at least, and no NaN among them.
  void update_between(const Block& block, double least, double greatest);

  bool is_empty() const { return !any_; }
  // Only floats have NaNs.
  bool is_nan() const;
  // Precondition for these: !is_empty(). The keys are of no value where is_nan().
  const Extreme& least() const { return least_; }
  const Extreme& greatest() const { return greatest_; }

 private:
  template <typename T>
  std::size_t update_typed(const Block& block);
  template <typename T>
  std::size_t update_chunk(const Block& chunk, const KeyRange& range);

  const model::ElementType type_;
  bool any_ = false;
  Extreme least_;
  Extreme greatest_;
};

}  // namespace tally::reduce

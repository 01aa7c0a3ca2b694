#include "runtime/reduce/float_squares.h"

#include <array>
#include <cstdint>

#include "ipc/base/float_environment.h"
#include "runtime/reduce/blocks_and_bins.h"

namespace tally::reduce {
namespace {

inline UInt128 square_of(const Parts& parts) {
  return UInt128{parts.mantissa} * parts.mantissa;
}

class SquareBins {
 public:
  // 2^20 squares of less than 2^106 stay below 2^127.
  static constexpr std::size_t kRoom = std::size_t{1} << 20;

  void add(const Parts& parts) { bins_[parts.exponent] += square_of(parts); }

  void empty_into(ProductSum& into) {
    for (unsigned exponent = 0; exponent < bins_.size(); ++exponent) {
      if (bins_[exponent] == 0) continue;
      into.add(static_cast<Int128>(bins_[exponent]), 2 * exponent);
      bins_[exponent] = 0;
    }
  }

 private:
  std::array<UInt128, kSpecialExponent> bins_{};
};

// Blocks by the kernel, and what it leaves by the bins. Kept apart, so that no
// arithmetic moves out of the environment.
template <typename T>
[[gnu::noinline]] FloatRun squares_by_blocks(const T* data, std::size_t count,
                                             ProductSum& into, BlockPlan& plan) {
  const FloatEnvironment environment;
  return by_blocks_and_bins<SquareBins>(
      count, into,
      [&](const FloatRun& run) {
        return squares_by_digits(data + run.visited, count - run.visited, into, plan);
      },
      [data](std::size_t at, std::size_t left, SquareBins& bins) {
        return visit_floats(data + at, left,
                            [&bins](const Parts& parts) { bins.add(parts); });
      });
}

template <typename T>
FloatRun float_squares_of(const T* data, std::size_t count, ProductSum& into,
                          BlockPlan& plan) {
  constexpr std::size_t kWorthBlocks = 1024;  // bins cost some 2 us
  if (count >= kWorthBlocks) return squares_by_blocks(data, count, into, plan);
  return visit_floats(data, count, [&into](const Parts& parts) {
    into.add(static_cast<Int128>(square_of(parts)), 2 * parts.exponent);
  });
}

}  // namespace

FloatRun float_squares(const float* data, std::size_t count, ProductSum& into,
                       BlockPlan& plan) {
  return float_squares_of(data, count, into, plan);
}

FloatRun float_squares(const double* data, std::size_t count, ProductSum& into,
                       BlockPlan& plan) {
  return float_squares_of(data, count, into, plan);
}

}  // namespace tally::reduce

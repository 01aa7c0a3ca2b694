#include "runtime/reduce/float_squares.h"

#include <algorithm>
#include <array>
#include <cstdint>
#include <optional>

#include "ipc/base/float_environment.h"

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

  void empty_into(SquareSum& into) {
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
                                             SquareSum& into, BlockPlan& plan) {
  const FloatEnvironment environment;
  std::optional<SquareBins> bins;
  FloatRun run;
  std::size_t room = 0;
  while (run.visited < count) {
    const BlockRun done =
        squares_by_digits(data + run.visited, count - run.visited, into, plan);
    run.visited += done.visited;
    if (done.leave == 0) continue;
    const std::size_t leave = std::min(done.leave, SquareBins::kRoom);
    if (!bins) bins.emplace();
    if (room < leave) {
      bins->empty_into(into);
      room = SquareBins::kRoom;
    }
    room -= leave;
    const FloatRun left = visit_floats(
        data + run.visited, leave, [&bins](const Parts& parts) { bins->add(parts); });
    run.seen |= left.seen;
    run.visited += left.visited;
  }
  if (bins) bins->empty_into(into);
  return run;
}

template <typename T>
FloatRun float_squares_of(const T* data, std::size_t count, SquareSum& into,
                          BlockPlan& plan) {
  constexpr std::size_t kWorthBlocks = 1024;  // bins cost some 2 us
  if (count >= kWorthBlocks) return squares_by_blocks(data, count, into, plan);
  return visit_floats(data, count, [&into](const Parts& parts) {
    into.add(static_cast<Int128>(square_of(parts)), 2 * parts.exponent);
  });
}

}  // namespace

FloatRun float_squares(const float* data, std::size_t count, SquareSum& into,
                       BlockPlan& plan) {
  return float_squares_of(data, count, into, plan);
}

FloatRun float_squares(const double* data, std::size_t count, SquareSum& into,
                       BlockPlan& plan) {
  return float_squares_of(data, count, into, plan);
}

}  // namespace tally::reduce

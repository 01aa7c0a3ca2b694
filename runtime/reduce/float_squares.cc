#include "runtime/reduce/float_squares.h"

#include <algorithm>
#include <array>
#include <cstdint>

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

template <typename T>
FloatRun squares_by_bins(const T* data, std::size_t count, SquareSum& into) {
  SquareBins bins;
  FloatRun run;
  while (run.visited < count) {
    const std::size_t size = std::min(SquareBins::kRoom, count - run.visited);
    const FloatRun part =
        visit_floats(data + run.visited, size,
                     [&bins](const Parts& parts, std::size_t) { bins.add(parts); });
    run.seen |= part.seen;
    run.visited += part.visited;
    bins.empty_into(into);
  }
  return run;
}

template <typename T>
FloatRun float_squares_of(const T* data, std::size_t count, SquareSum& into) {
  constexpr std::size_t kWorthBins = 1024;  // clearing and emptying cost some 2 us
  if (count >= kWorthBins) return squares_by_bins(data, count, into);
  return visit_floats(data, count, [&into](const Parts& parts, std::size_t) {
    into.add(static_cast<Int128>(square_of(parts)), 2 * parts.exponent);
  });
}

}  // namespace

FloatRun float_squares(const float* data, std::size_t count, SquareSum& into) {
  return float_squares_of(data, count, into);
}

FloatRun float_squares(const double* data, std::size_t count, SquareSum& into) {
  return float_squares_of(data, count, into);
}

}  // namespace tally::reduce

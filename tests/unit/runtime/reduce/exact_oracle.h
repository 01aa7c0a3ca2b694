// ExactOracle: sums of doubles in the most naive exact way, and a judge of rounding.
//
// One counter for each power of two; a double is taken apart by frexp and ldexp, never
// by its bits. Whether a result is correctly rounded is judged by its definition: no
// neighbour is nearer to the true value. Nothing here is shared with the engine.
#pragma once

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <limits>
#include <span>
#include <vector>

#include "ipc/base/int128.h"

namespace tally::reduce::testing {

class ExactOracle {
 public:
  // Adds value * times. Precondition: value is finite.
  void add(double value, Int128 times) {
    int exponent = 0;
    double fraction = std::frexp(std::fabs(value), &exponent);
    const Int128 sign = value < 0 ? -times : times;
    while (fraction != 0) {
      fraction *= 2;
      --exponent;
      if (fraction >= 1) {
        add_power(exponent, sign);
        fraction -= 1;
      }
    }
  }

  // Adds 2^exponent * times.
  void add_power(int exponent, Int128 times) { at(exponent) += times; }

  // -1, 0, 1.
  int sign() const {
    const auto digits = settled();
    for (std::size_t i = digits.size(); i-- > 0;)
      if (digits[i] != 0) return digits[i] < 0 ? -1 : 1;
    return 0;
  }

  // The sign of |a| - |b|.
  static int compare_sizes(const ExactOracle& a, const ExactOracle& b) {
    ExactOracle difference;
    const int a_sign = a.sign(), b_sign = b.sign();
    for (std::size_t i = 0; i < a.powers_.size(); ++i)
      difference.powers_[i] = a_sign * a.powers_[i] - b_sign * b.powers_[i];
    return difference.sign();
  }

 private:
  static constexpr int kLowest = -1100;
  static constexpr int kHighest = 1400;

  Int128& at(int exponent) {
    return powers_.at(static_cast<std::size_t>(exponent - kLowest));
  }

  // Every digit but the last one 0 or 1; the last has the sign.
  std::vector<Int128> settled() const {
    std::vector<Int128> digits = powers_;
    for (std::size_t i = 0; i + 1 < digits.size(); ++i) {
      const Int128 bit = ((digits[i] % 2) + 2) % 2;
      digits[i + 1] += (digits[i] - bit) / 2;
      digits[i] = bit;
    }
    return digits;
  }

  std::vector<Int128> powers_ = std::vector<Int128>(kHighest - kLowest, 0);
};

// |sum - candidate * divisor|, an infinite candidate standing for 2^1024.
inline ExactOracle distance(const ExactOracle& sum, double candidate, Int128 divisor) {
  ExactOracle result = sum;
  if (std::isinf(candidate)) {
    result.add_power(1024, candidate > 0 ? -divisor : divisor);
  } else {
    result.add(candidate, -divisor);
  }
  return result;
}

// Is `result` what sum / divisor rounds to, ties to even?
inline bool is_correctly_rounded(const ExactOracle& sum, Int128 divisor,
                                 double result) {
  if (std::isnan(result)) return false;
  if (result != 0 && sum.sign() != (result < 0 ? -1 : 1)) return false;
  const ExactOracle off = distance(sum, result, divisor);
  int exponent = 0;
  const double fraction = std::frexp(result, &exponent);
  // An even last bit: half of the significand is still a whole number of ulps.
  const int digits = std::min(53, exponent + 1074);
  const bool even = std::isinf(result) || result == 0 ||
                    std::fmod(std::ldexp(std::fabs(fraction), digits), 2.0) == 0;
  constexpr double kInfinity = std::numeric_limits<double>::infinity();
  for (const double towards : {-kInfinity, kInfinity}) {
    const double other = std::nextafter(result, towards);
    if (other == result) continue;
    const int order = ExactOracle::compare_sizes(off, distance(sum, other, divisor));
    if (order > 0 || (order == 0 && !even)) return false;
  }
  return true;
}

}  // namespace tally::reduce::testing

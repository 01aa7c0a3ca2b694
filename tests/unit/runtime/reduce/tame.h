// Floats as data has them: of similar size.
#pragma once

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <limits>
#include <random>
#include <vector>

namespace tally::reduce::testing {

// Of either sign, full mantissas, with exponents from `scale` down to `spread` below;
// as far as T has them.
template <typename T>
std::vector<T> tame(std::size_t count, int scale, int spread) {
  std::mt19937_64 random(count + static_cast<std::uint64_t>(spread));
  std::uniform_int_distribution<int> below(0, spread);
  std::uniform_real_distribution<double> mantissa(1, 2);
  std::vector<T> values(count);
  for (T& value : values) {
    const double size = std::ldexp(mantissa(random), scale - below(random));
    const double most = double{std::numeric_limits<T>::max()};
    value = static_cast<T>(std::min(size, most));
    if (random() % 2 == 0) value = -value;
  }
  return values;
}

}  // namespace tally::reduce::testing

// The inner loop of exponent bins, on Highway: from elements to what is added to which
// bin. The additions themselves are scalar, one add and one add with carry each.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>

namespace tally::reduce {

struct BinnedElements {
  static constexpr std::size_t kCount = 256;
  // The magnitude of each element in units of its bin, and the bin: the sign and the
  // upper eight bits of the exponent.
  alignas(64) std::uint64_t mantissa[kCount];
  alignas(64) std::uint64_t bin[kCount];
};

// Of kCount elements; gives their SeenFlags, or nothing if there is an infinity or a
// NaN among them. Under a FloatEnvironment. No alignment is asked for.
std::optional<std::uint8_t> bin_elements(const float* data, BinnedElements& into);
std::optional<std::uint8_t> bin_elements(const double* data, BinnedElements& into);

}  // namespace tally::reduce

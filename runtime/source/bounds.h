// Whether elements lie within what there is to read.
#pragma once

#include <cstdint>

namespace tally::source {

// Elements `begin` to `end` of `element_bytes` each, of those that start at byte
// `offset_bytes`: within `size_bytes`. No sum wraps.
constexpr bool lies_within(std::uint64_t size_bytes, std::uint64_t offset_bytes,
                           std::uint64_t begin, std::uint64_t end,
                           std::uint64_t element_bytes) {
  return begin <= end && offset_bytes <= size_bytes &&
         end <= (size_bytes - offset_bytes) / element_bytes;
}

}  // namespace tally::source

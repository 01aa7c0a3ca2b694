// Order keys (order_key.h) of packed elements.
#pragma once

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <span>
#include <vector>

#include "ipc/model/element_type.h"
#include "runtime/reduce/order_key.h"

namespace tally::reduce {

// Appends the keys of elements stride / 2, stride / 2 + stride, … of those that lie in
// `bytes`, but for NaNs. Precondition: stride > 0.
inline void append_keys(model::ElementType type, std::span<const std::byte> bytes,
                        std::uint64_t stride, std::vector<std::int64_t>& keys) {
  model::with_type(type, [&](auto zero) {
    using T = decltype(zero);
    const std::uint64_t count = bytes.size() / sizeof(T);
    for (std::uint64_t at = stride / 2; at < count; at += stride) {
      T value;
      std::memcpy(&value, bytes.data() + at * sizeof(T), sizeof value);
      const std::int64_t key = order_key(value);
      if (key >= kLowestKey<T> && key <= kHighestKey<T>) keys.push_back(key);
    }
  });
}

}  // namespace tally::reduce

// The exact sum of packed integers of any of the eight types, in 128 bits.
#pragma once

#include <cstddef>

#include "ipc/base/int128.h"

namespace tally::reduce {

struct IntegerSum {
  Int128 total = 0;
  std::size_t visited = 0;  // counted by the loops that read the elements
};

// T: std::int8_t … std::int64_t, std::uint8_t … std::uint64_t.
template <typename T>
IntegerSum integer_sum(const T* data, std::size_t count);

}  // namespace tally::reduce

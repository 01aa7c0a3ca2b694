// The least and greatest order key of packed elements, on Highway, dispatched at run
// time.
#pragma once

#include <cstddef>
#include <cstdint>

namespace tally::reduce {

struct KeyRange {
  std::int64_t least = 0;
  std::int64_t greatest = 0;
  std::size_t visited = 0;  // counted by the loops that read the elements
};

// T: any of the ten element types. With NaNs among them the range reaches beyond the
// keys of the infinities. Precondition: count > 0; data is aligned for T.
template <typename T>
KeyRange key_range(const T* data, std::size_t count);

}  // namespace tally::reduce

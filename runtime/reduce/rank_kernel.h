// Picks the elements out of a run whose order keys lie in a range.
#pragma once

#include <cstddef>
#include <cstdint>

#include "ipc/model/element_type.h"

namespace tally::reduce {

struct SelectedKeys {
  std::size_t visited = 0;  // by the loop itself
  std::size_t inside = 0;   // how many keys were written
  std::size_t below = 0;    // the range, not NaN
  std::size_t nans = 0;
};

// Writes the keys from `least` to `greatest`, in the order of their elements. Room for
// `count` + 1. Preconditions: both are keys of the type, none of NaN's; least <=
// greatest.
SelectedKeys select_keys(model::ElementType type, const void* data, std::size_t count,
                         std::int64_t least, std::int64_t greatest, std::int64_t* keys);

}  // namespace tally::reduce

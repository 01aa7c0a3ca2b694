// Picks the elements out of a run that lie in a window of order keys.
#pragma once

#include <cstddef>
#include <cstdint>

#include "ipc/model/element_type.h"
#include "ipc/model/key_window.h"

namespace tally::reduce {

struct SelectedKeys {
  std::size_t visited = 0;  // by the loop itself
  std::size_t inside = 0;   // how many keys were written
  std::size_t below = 0;    // the window, not NaN
  std::size_t nans = 0;
};

// Writes how far above `window.least` each of the elements in the window is, in their
// order. Room for `count` + 1.
// Preconditions: the window is of keys of the type, none of NaN's.
SelectedKeys select_keys(model::ElementType type, const void* data, std::size_t count,
                         const model::KeyWindow& window, std::uint64_t* offsets);

}  // namespace tally::reduce

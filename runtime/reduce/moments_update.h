// update_moments: one reading for sum, squares, least and greatest of a float column.
//
// Each family can update itself; together they would read the elements once each. Here
// the kernel of squares takes the others on the way, block by block, and the states
// come out the same to the bit.
#pragma once

#include <cstddef>
#include <memory>
#include <span>

#include "runtime/reduce/state.h"

namespace tally::reduce {

// Updates all of a column's states by the first elements of the block; how many these
// were. What is left is the caller's, for one state after the other: whatever comes
// after the first elements that are not for the kernel, and everything unless the
// states are those of floats, Sum and Squares and perhaps Extremes, and no others.
std::size_t update_moments(std::span<const std::unique_ptr<State>> states,
                           const Block& block);

}  // namespace tally::reduce

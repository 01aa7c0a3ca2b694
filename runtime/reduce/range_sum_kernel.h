// The inner loop of range sums, on Highway, dispatched at run time.
//
// It visits the elements: each is made in a vector register and added. There is no
// closed form; a barrier in the loop keeps compilers from finding one, and
// range_loop_disassembly_test.py looks at what they made of it.
#pragma once

#include <cstdint>

namespace tally::reduce {

struct RangeLoopSum {
  std::uint64_t sum = 0;      // modulo 2^64
  std::uint64_t visited = 0;  // whole groups of the loop: at most `count`
};

// Adds first, first + step, … modulo 2^64 for as many whole groups as `count` has.
RangeLoopSum range_sum_loop(std::uint64_t first, std::uint64_t step,
                            std::uint64_t count);

}  // namespace tally::reduce

// What kernels of floats that go by blocks are told and tell: each block is split at
// places that depend on its exponents, and the last one's are a guess at the next
// one's.
#pragma once

#include <cstddef>

namespace tally::reduce {

// How the last block was split. No part of a value.
struct BlockPlan {
  int exponent = 0;  // all elements are below 2^(exponent + 1)
  int parts = 0;     // of each element; 0: no guess
  unsigned blocks = 0;
};

struct BlockRun {
  std::size_t visited = 0;  // elements that were added, from the first on
  std::size_t leave = 0;    // then so many, in blocks that were not added
};

}  // namespace tally::reduce

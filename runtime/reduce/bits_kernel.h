// What any, all, and, or, xor and prod need of packed elements, on Highway, dispatched
// at run time.
#pragma once

#include <cstddef>
#include <cstdint>

namespace tally::reduce {

// The words of elements, put together bit by bit. An integer's word is its two's
// complement, in 64 bits with zeros above; a float's is its bits without the sign, of
// which only whether they are zero is used.
struct BitsRun {
  std::uint64_t conjunction = 0;  // of the words: and
  std::uint64_t disjunction = 0;  // or
  std::uint64_t difference = 0;   // exclusive or
  bool zero_seen = false;         // one of the words is zero
  std::size_t visited = 0;        // counted by the loops that read the elements
};

// T: any of the ten element types. Precondition: count > 0; data is aligned for T.
template <typename T>
BitsRun bits_of(const T* data, std::size_t count);

}  // namespace tally::reduce

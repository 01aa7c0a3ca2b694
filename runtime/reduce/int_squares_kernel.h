// The inner loop of sums of squares of integers of up to 32 bits, on Highway,
// dispatched at run time.
//
// A square has twice the bits of its element, and is made in a lane of that width. The
// lanes are then read as halves of lanes twice as wide, and the halves summed apart, so
// that a lane has room for many additions: of elements of 8 and 16 bits each half is a
// square, of 32 bits the two halves of one. Of 64 bits there are no such products; the
// caller multiplies these one by one.
#pragma once

#include <cstddef>
#include <cstdint>

namespace tally::reduce {

struct SquareHalves {
  std::uint64_t low = 0;
  std::uint64_t high = 0;   // weighs 2^32 where the elements have 32 bits, else 1
  std::size_t visited = 0;  // elements: whole steps of the loop
};

// More would let the sums overflow.
inline constexpr std::size_t kMaxSquares = std::size_t{1} << 24;

// Precondition: count <= kMaxSquares. Need not read all; the rest is the caller's. No
// alignment is asked for.
SquareHalves square_halves(const std::int8_t* data, std::size_t count);
SquareHalves square_halves(const std::uint8_t* data, std::size_t count);
SquareHalves square_halves(const std::int16_t* data, std::size_t count);
SquareHalves square_halves(const std::uint16_t* data, std::size_t count);
SquareHalves square_halves(const std::int32_t* data, std::size_t count);
SquareHalves square_halves(const std::uint32_t* data, std::size_t count);

}  // namespace tally::reduce

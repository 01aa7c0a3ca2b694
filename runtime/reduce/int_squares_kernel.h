// The inner loops of sums of squares of integers, on Highway, dispatched at run time.
//
// A square has twice the bits of its element, and is made in a lane of that width. The
// lanes are then read as halves of lanes twice as wide, and the halves summed apart, so
// that a lane has room for many additions: of elements of 8 and 16 bits each half is a
// square, of 32 bits the two halves of one. An element of 64 bits is l + 2^32 u in
// size, and its square l^2 + 2^33 l u + 2^64 u^2: three such products.
#pragma once

#include <cstddef>
#include <cstdint>

namespace tally::reduce {

struct SquareHalves {
  std::uint64_t low = 0;
  std::uint64_t high = 0;   // weighs 2^32 where the elements have 32 bits, else 1
  std::size_t visited = 0;  // elements: whole steps of the loop
};

// Sums of products of 64 bits, by halves.
struct ProductHalves {
  std::uint64_t low = 0;
  std::uint64_t high = 0;  // weighs 2^32
};

struct LongSquares {
  ProductHalves lower;  // l^2
  ProductHalves mixed;  // l u, weighs 2^33
  ProductHalves upper;  // u^2, weighs 2^64
  std::size_t visited = 0;
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
LongSquares long_squares(const std::int64_t* data, std::size_t count);
LongSquares long_squares(const std::uint64_t* data, std::size_t count);

}  // namespace tally::reduce

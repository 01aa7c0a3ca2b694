// The inner loops of integer sums, on Highway, dispatched at run time.
//
// The data is read as lanes of two halves, and the halves are summed apart: a lane
// then has room for many additions, and one loop serves two element widths (i32 and
// u32 are halves of a 64-bit lane; i64 and u64 are 64-bit lanes whose halves weigh 1
// and 2^32). `bias` is XORed into every lane: the sign bits of signed elements, which
// adds half their range to each, so that all sums are unsigned.
#pragma once

#include <cstddef>
#include <cstdint>

namespace tally::reduce {

struct HalfSums {
  std::uint64_t low = 0;
  std::uint64_t high = 0;
  std::size_t bytes = 0;  // how many were read: whole steps of the loop
};

// More would let the sums overflow.
inline constexpr std::size_t kMaxHalfSumBytes = std::size_t{1} << 24;

// Precondition: bytes <= kMaxHalfSumBytes. Need not read all; the rest is the
// caller's. No alignment is asked for.
HalfSums half_sums_16(const std::byte* data, std::size_t bytes, std::uint16_t bias);
HalfSums half_sums_32(const std::byte* data, std::size_t bytes, std::uint32_t bias);
HalfSums half_sums_64(const std::byte* data, std::size_t bytes, std::uint64_t bias);

}  // namespace tally::reduce

// 128-bit integers: exact sums of 2^64 elements of 64 bits.
//
// Int128 is a compiler extension; -Wpedantic accepts it through __extension__.
#pragma once

#include <cstdint>
#include <string>

namespace tally {

__extension__ typedef __int128 Int128;
__extension__ typedef unsigned __int128 UInt128;

// Decimal, with a leading '-' where negative.
inline std::string to_string(Int128 value) {
  const bool negative = value < 0;
  UInt128 rest =
      negative ? UInt128{0} - static_cast<UInt128>(value) : static_cast<UInt128>(value);
  char digits[40];
  char* at = digits + sizeof digits;
  do {
    *--at = static_cast<char>('0' + static_cast<int>(rest % 10));
    rest /= 10;
  } while (rest != 0);
  if (negative) *--at = '-';
  return std::string(at, digits + sizeof digits);
}

}  // namespace tally

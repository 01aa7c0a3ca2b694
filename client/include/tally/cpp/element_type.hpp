// type_of: the element type of a C++ type. Included by tally/tally.hpp.
#pragma once

#include <type_traits>

#include "tally/tally.h"

namespace tally {
inline namespace cpp0 {

// TALLY_TYPE_* of a C++ type: integers of 8 to 64 bits, float, double.
template <typename T>
requires std::is_arithmetic_v<T> &&(!std::is_same_v<T, bool>)constexpr tally_type
    type_of() {
  if constexpr (std::is_same_v<T, float>) {
    return TALLY_TYPE_F32;
  } else if constexpr (std::is_same_v<T, double>) {
    return TALLY_TYPE_F64;
  } else {
    static_assert(std::is_integral_v<T> && sizeof(T) <= 8, "not an element type");
    constexpr tally_type first = std::is_signed_v<T> ? TALLY_TYPE_I8 : TALLY_TYPE_U8;
    return first + (sizeof(T) == 1 ? 0 : sizeof(T) == 2 ? 1 : sizeof(T) == 4 ? 2 : 3);
  }
}

}  // namespace cpp0
}  // namespace tally

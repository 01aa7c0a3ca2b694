// Numbers written as text: one cell, one element.
//
// Spaces and tabs around a number are ignored. One leading '+' is accepted. The rest
// of the cell must be the number:
//   floats    decimal or scientific notation, "nan", "inf" and "infinity" in any case;
//             rounded correctly to the nearest; too large is Overflow, too small is 0
//             or subnormal; an integer literal that the type cannot hold is Inexact
//   integers  digits only ("5e8" and "5.0" are not integers), within the type's range
// An empty cell and "NA" are Missing. The locale does not matter. Assumes the rounding
// mode of FloatEnvironment. Never allocates.
#pragma once

#include <cstdint>
#include <string_view>

namespace tally::source {

enum class NumberStatus : std::uint8_t { Ok, Missing, NotANumber, Overflow, Inexact };

// `value` is set if and only if the answer is Ok. Defined for the ten element types.
template <typename T>
NumberStatus parse_number(std::string_view cell, T& value) noexcept;

}  // namespace tally::source

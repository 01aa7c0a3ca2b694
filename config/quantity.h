// Quantities as people write them: "64MiB", "250ms".
//
// A quantity is decimal digits and a unit, with nothing before, between or after.
// There are no fractions, signs or exponents: "1.5s" is "1500ms". Parsing is total:
// any bytes give a value or an Error that says what is accepted, never an overflow.
#pragma once

#include <chrono>
#include <cstdint>
#include <string>
#include <string_view>

#include "ipc/base/result.h"

namespace tally::config {

// Units B, KiB, MiB, GiB, TiB; bare digits are bytes.
Result<std::uint64_t> parse_bytes(std::string_view text);

// Units ns, us, ms, s, min, h. Only 0 needs no unit. At most some 292 years.
Result<std::chrono::nanoseconds> parse_duration(std::string_view text);

// In the largest unit that divides it: "10min", "1500ms", "0s". What parse_duration
// reads back as the same value. Precondition: not negative.
std::string format_duration(std::chrono::nanoseconds duration);

}  // namespace tally::config

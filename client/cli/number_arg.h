// Numbers as people write them on a command line.
//
// An integer is 500000000, 500_000_000 (an underscore stands between digits), 5e8 or
// 1.5e9 (only if integral), with a sign where that makes sense. Leading zeros mean
// nothing: 010 is ten. There is no hexadecimal. Parsing is total: any text gives a
// value or an Error InvalidArgument "bad_number" that says what is accepted.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string_view>
#include <vector>

#include "ipc/base/result.h"
#include "ipc/model/element_type.h"
#include "ipc/model/job_spec.h"

namespace tally::cli {

// `what` names the number in messages: "--workers".
Result<std::int64_t> parse_i64(std::string_view text, std::string_view what);

// An integer from 1 to `most`.
Result<std::uint64_t> parse_count(std::string_view text, std::string_view what,
                                  std::uint64_t most);

// START:STOP[:STEP], half-open, over i64. STEP is 1 unless given, and never 0.
Result<model::RangeSource> parse_range(std::string_view text);

// Values between commas, as `type`, packed little-endian; empty text is no values.
// Floats: decimal, nan, inf. An integer literal that `type` cannot hold exactly is an
// error that names the type to choose.
Result<std::vector<std::byte>> parse_values(std::string_view text,
                                            model::ElementType type);

}  // namespace tally::cli

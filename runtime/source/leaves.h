// Leaves: the fixed pieces that an input is cut into, whoever reduces it.
//
// A leaf is kLeafElements elements of packed data, or kLeafBytes of csv and text, where
// a record belongs to the leaf of its first byte. It never crosses a file. Numbers of
// the reduction tree: a result's bits hang on them.
#pragma once

#include <cstdint>

namespace tally::source {

inline constexpr std::uint64_t kLeafElements = 65'536;
inline constexpr std::uint64_t kLeafBytes = 1U << 20;

}  // namespace tally::source

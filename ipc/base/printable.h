// printable: somebody's text, fit to stand on one line of a terminal or a log.
//
// Trust: the text is hostile. Control characters and bytes that are no UTF-8 come out
// as \xNN, so that it can neither break the line nor drive a terminal, and what comes
// out always is valid UTF-8.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

namespace tally {

std::string printable(std::string_view text);

// The first `limit` bytes of it, never half a character; "…" follows if some were left
// out.
std::string printable(std::string_view text, std::size_t limit);

// The same for text of several lines, which stay lines.
std::string printable_lines(std::string_view text);

}  // namespace tally

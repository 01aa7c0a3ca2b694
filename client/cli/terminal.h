// Terminal: what stdout and stderr can show.
#pragma once

#include <cstdio>
#include <string>
#include <string_view>

namespace tally::cli {

bool is_terminal(std::FILE* stream);

// Dim on a terminal, plain anywhere else and where $NO_COLOR is set.
std::string dim(std::string_view text, std::FILE* stream);

// `text` with its control characters as escapes ("\x1b"): names and messages may hold
// what came from a file, and a terminal would obey it.
std::string printable(std::string_view text);

}  // namespace tally::cli

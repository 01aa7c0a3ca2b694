// Terminal: what stdout and stderr can show.
#pragma once

#include <cstdio>
#include <string>
#include <string_view>

#include "ipc/base/printable.h"  // what may be shown

namespace tally::cli {

bool is_terminal(std::FILE* stream);

// Dim on a terminal, plain anywhere else and where $NO_COLOR is set.
std::string dim(std::string_view text, std::FILE* stream);

}  // namespace tally::cli

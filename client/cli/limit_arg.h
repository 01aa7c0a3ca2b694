// The limits of --limit: NAME=N, several between commas.
#pragma once

#include <string_view>
#include <vector>

#include "ipc/base/result.h"
#include "ipc/model/token_limit.h"

namespace tally::cli {

// Errors: InvalidArgument "bad_limit", "bad_number".
Result<std::vector<model::TokenLimit>> parse_limits(std::string_view text);

}  // namespace tally::cli

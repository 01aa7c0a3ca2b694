// The build that this code belongs to: daemon and workers must be of one.
#pragma once

#include <string_view>

namespace tally::exec {

inline constexpr std::string_view kBuildId = "tally " TALLY_VERSION;

}  // namespace tally::exec

#include "client/cli/limit_arg.h"

#include <algorithm>
#include <limits>
#include <string>

#include "client/cli/number_arg.h"
#include "ipc/base/printable.h"

namespace tally::cli {

Result<std::vector<model::TokenLimit>> parse_limits(std::string_view text) {
  std::vector<model::TokenLimit> limits;
  for (std::size_t at = 0; at <= text.size();) {
    const std::size_t end = std::min(text.find(',', at), text.size());
    const std::string_view part = text.substr(at, end - at);
    const std::size_t equals = part.find('=');
    if (equals == part.npos)
      return Error(Errc::InvalidArgument, "bad_limit",
                   "--limit \"" + printable(part, model::kMostLimitNameBytes) +
                       "\" is no NAME=N, such as nas=4");
    const Result<std::uint64_t> count = parse_count(
        part.substr(equals + 1), "--limit", std::numeric_limits<std::uint32_t>::max());
    if (!count) return count.error();
    limits.push_back(
        {std::string(part.substr(0, equals)), static_cast<std::uint32_t>(*count)});
    at = end + 1;
  }
  if (Result<void> good = model::check_limits(limits); !good)
    return std::move(good).error().within("--limit");
  return limits;
}

}  // namespace tally::cli

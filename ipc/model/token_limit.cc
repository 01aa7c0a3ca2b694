#include "ipc/model/token_limit.h"

#include <algorithm>
#include <string_view>

#include "ipc/base/printable.h"

namespace tally::model {
namespace {

constexpr std::string_view kNameCharacters =
    "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_.-";

Error bad_limit(std::string message) {
  return Error(Errc::InvalidArgument, "bad_limit", std::move(message));
}

bool is_name(std::string_view name) {
  return !name.empty() && name.size() <= kMostLimitNameBytes &&
         name.find_first_not_of(kNameCharacters) == name.npos;
}

}  // namespace

Result<void> check_limits(const std::vector<TokenLimit>& limits) {
  if (limits.size() > kMostLimits)
    return bad_limit("a job names at most " + std::to_string(kMostLimits) +
                     " limits, not " + std::to_string(limits.size()));
  for (std::size_t i = 0; i < limits.size(); ++i) {
    const TokenLimit& limit = limits[i];
    if (!is_name(limit.name))
      return bad_limit("\"" + printable(limit.name.substr(0, kMostLimitNameBytes)) +
                       "\" does not name a limit: a name is 1 to " +
                       std::to_string(kMostLimitNameBytes) +
                       " letters, digits, '_', '.' or '-'");
    if (limit.count == 0)
      return bad_limit("the limit " + limit.name +
                       "=0 lets no chunk run; the least is 1");
    if (std::any_of(limits.begin(), limits.begin() + static_cast<std::ptrdiff_t>(i),
                    [&](const TokenLimit& other) { return other.name == limit.name; }))
      return bad_limit("the limit " + limit.name + " is given twice");
  }
  return {};
}

}  // namespace tally::model

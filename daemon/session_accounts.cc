#include "daemon/session_accounts.h"

#include <string>

namespace tally::daemon {
namespace {

Error full(bool of_user, const std::string& holder, std::uint64_t limit,
           std::uint64_t in_use) {
  return Error(Errc::Overloaded, "too_many_sessions",
               holder + " has " + std::to_string(in_use) +
                   " connections and may have at most " + std::to_string(limit) +
                   " ([limits] sessions" + (of_user ? "_per_user" : "") +
                   "); close some, or come again later")
      .with("scope", of_user ? "user" : "daemon")
      .with("limit", static_cast<std::int64_t>(limit))
      .with("in_use", static_cast<std::int64_t>(in_use))
      .with("retry_after_ms", std::int64_t{100});
}

}  // namespace

std::optional<Error> SessionAccounts::refusal(std::uint32_t uid, bool administrator,
                                              const Limits& limits) const {
  const std::uint64_t own = of(uid);
  if (own >= limits.per_user)
    return full(true, "uid " + std::to_string(uid), limits.per_user, own);
  const std::uint64_t most = limits.total + (administrator ? kForAdministrators : 0);
  if (total_ >= most) return full(false, "the daemon", most, total_);
  return std::nullopt;
}

void SessionAccounts::open(std::uint32_t uid) {
  ++users_[uid];
  ++total_;
}

void SessionAccounts::close(std::uint32_t uid) {
  const auto user = users_.find(uid);
  if (--user->second == 0) users_.erase(user);
  --total_;
}

std::uint64_t SessionAccounts::of(std::uint32_t uid) const {
  const auto user = users_.find(uid);
  return user == users_.end() ? 0 : user->second;
}

}  // namespace tally::daemon

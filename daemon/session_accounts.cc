#include "daemon/session_accounts.h"

#include <algorithm>
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
  ++users_[uid].sessions;
  ++total_;
}

void SessionAccounts::close(std::uint32_t uid) {
  --users_[uid].sessions;
  --total_;
  forget_if_none(uid);
}

std::optional<Error> SessionAccounts::waiting_descriptors(std::uint32_t uid,
                                                          std::uint64_t before,
                                                          std::uint64_t now) {
  const std::uint64_t held = users_[uid].descriptors += now - before;
  forget_if_none(uid);
  if (now <= before || held <= kMostWaitingDescriptors) return std::nullopt;
  return Error(
             Errc::Overloaded, "too_many_waiting_descriptors",
             "the sessions of uid " + std::to_string(uid) + " have sent " +
                 std::to_string(held) +
                 " descriptors ahead of the rest of their frames, and may have sent " +
                 std::to_string(kMostWaitingDescriptors) +
                 "; send frames whole, or from fewer sessions at a time")
      .with("scope", "user")
      .with("limit", static_cast<std::int64_t>(kMostWaitingDescriptors))
      .with("in_use", static_cast<std::int64_t>(held));
}

std::size_t SessionAccounts::unsent_bytes(std::uint32_t uid) const {
  const std::uint64_t sessions = std::max<std::uint64_t>(of(uid), 1);
  return std::clamp<std::size_t>(kUnsentBytes / sessions, kLeastUnsentBytes,
                                 kMostUnsentBytes);
}

void SessionAccounts::forget_if_none(std::uint32_t uid) {
  const auto user = users_.find(uid);
  if (user->second.sessions == 0 && user->second.descriptors == 0) users_.erase(user);
}

std::uint64_t SessionAccounts::of(std::uint32_t uid) const {
  const auto user = users_.find(uid);
  return user == users_.end() ? 0 : user->second.sessions;
}

}  // namespace tally::daemon

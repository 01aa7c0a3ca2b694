// SessionAccounts: how many sessions there are, of each uid and in all, and who gets no
// more.
//
// Pure. One opened for a uid is closed for the same uid.
#pragma once

#include <cstdint>
#include <optional>
#include <unordered_map>

#include "ipc/base/error.h"

namespace tally::daemon {

class SessionAccounts {
 public:
  // Beyond the total, for administrators alone: whoever fills the daemon, one of them
  // can still come to see it and to end it.
  static constexpr std::uint64_t kForAdministrators = 16;

  struct Limits {
    std::uint64_t total = 0;
    std::uint64_t per_user = 0;  // an administrator's, too
  };

  // Why there is no place for one more; none: there is. The user's own limit is told
  // rather than the daemon's. Errors: Overloaded "too_many_sessions", with fields
  // "scope" ("user" or "daemon"), "limit", "in_use" and "retry_after_ms".
  std::optional<Error> refusal(std::uint32_t uid, bool administrator,
                               const Limits& limits) const;

  void open(std::uint32_t uid);
  void close(std::uint32_t uid);

  std::uint64_t total() const { return total_; }
  std::uint64_t of(std::uint32_t uid) const;

 private:
  std::uint64_t total_ = 0;
  std::unordered_map<std::uint32_t, std::uint64_t> users_;  // those that have some
};

}  // namespace tally::daemon

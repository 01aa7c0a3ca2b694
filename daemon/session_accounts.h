// SessionAccounts: what sessions hold beside their jobs, of each uid and in all, and
// who gets no more: the sessions themselves, descriptors that came ahead of the rest
// of their frame, which no job's account has yet, and replies that are not taken.
//
// Pure. What is counted for a uid is taken back for the same uid.
#pragma once

#include <cstddef>
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

  // Of a user's sessions, refused ones too.
  static constexpr std::uint64_t kMostWaitingDescriptors = 1024;

  // Replies that a user's sessions have not taken, shared out among them; within these
  // bounds for one.
  static constexpr std::size_t kUnsentBytes = std::size_t{64} << 20;
  static constexpr std::size_t kLeastUnsentBytes = std::size_t{256} << 10;
  static constexpr std::size_t kMostUnsentBytes = std::size_t{4} << 20;

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

  // One of the uid's sessions, for which `before` descriptors were counted, holds `now`
  // and waits for its client. Why it is not to hold them: Overloaded
  // "too_many_waiting_descriptors", with fields "scope", "limit" and "in_use"; they are
  // counted all the same, until it closes them.
  std::optional<Error> waiting_descriptors(std::uint32_t uid, std::uint64_t before,
                                           std::uint64_t now);

  // Beyond so much each session of the uid waits for its client to read.
  std::size_t unsent_bytes(std::uint32_t uid) const;

  std::uint64_t total() const { return total_; }
  std::uint64_t of(std::uint32_t uid) const;

 private:
  struct Held {
    std::uint64_t sessions = 0;
    std::uint64_t descriptors = 0;
  };

  void forget_if_none(std::uint32_t uid);

  std::uint64_t total_ = 0;
  std::unordered_map<std::uint32_t, Held> users_;  // those that have some
};

}  // namespace tally::daemon

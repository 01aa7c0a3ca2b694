// Ledger: what jobs hold, of each uid and in all, and who gets no more.
//
// Pure. What is held for a claim is given back for the same claim.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <optional>
#include <unordered_map>
#include <vector>

#include "ipc/base/clock.h"
#include "ipc/base/result.h"
#include "ipc/model/server_status.h"
#include "runtime/job/pinned_objects.h"
#include "runtime/job/return_rate.h"

namespace tally::job {

struct Amounts {
  std::uint64_t jobs = 0;           // and plans that are only asked for
  std::uint64_t chunks = 0;         // of planned jobs, until the job has ended
  std::uint64_t descriptors = 0;    // clients' that we have open
  std::uint64_t request_bytes = 0;  // our own memory: requests, kernels' states
  std::uint64_t pinned_bytes = 0;   // the clients': what those descriptors keep alive
  std::uint64_t pipes = 0;          // streams of planned jobs: each takes a thread
  friend bool operator==(const Amounts&, const Amounts&) = default;
};

// Still a number that an error's field can tell.
inline constexpr std::uint64_t kNoLimit = std::numeric_limits<std::int64_t>::max();
inline constexpr Amounts kUnlimited{kNoLimit, kNoLimit, kNoLimit,
                                    kNoLimit, kNoLimit, kNoLimit};

struct Limits {
  Amounts total;
  Amounts per_user;  // none above the total
};

// `per_user`, where 0 stands for all of the total if the daemon serves one user, else
// for three quarters: no user can shut out all others.
std::uint64_t user_limit(std::uint64_t per_user, std::uint64_t total, bool one_user);

// What one job holds, or is to hold.
struct Claim {
  std::uint32_t uid = 0;
  Amounts amounts;  // their pinned_bytes are not looked at: the objects' count
  std::vector<MemoryObject> objects;
};

class Ledger {
 public:
  explicit Ledger(const Limits& limits) : limits_(limits) {}

  // Why there is no room for the claim; none: there is. The user's own limit is told
  // rather than the daemon's. Errors, with fields "scope" ("user" or "daemon"), "limit"
  // and "wanted":
  //   Overloaded       "too_many_jobs", "too_many_chunks", "too_many_descriptors",
  //                    "too_many_bytes", "too_much_pinned", "too_many_pipes"; also
  //                    "in_use" and "retry_after_ms", from how fast the like was given
  //                    back lately
  //   InvalidArgument  the same codes: it would be too much if nothing were held
  std::optional<Error> refusal(const Claim& claim, Nanoseconds now_ns) const;
  // Why more is held than may be; for what cannot be known beforehand.
  std::optional<Error> excess(std::uint32_t uid) const;

  void hold(const Claim& claim, Nanoseconds now_ns);
  void give_back(const Claim& claim, Nanoseconds now_ns);

  Amounts held() const { return amounts_of(total_); }
  Amounts held_by(std::uint32_t uid) const;
  // The daemon's, then those of uids that hold something, by uid.
  std::vector<model::LimitUse> uses() const;

 private:
  static constexpr std::size_t kResources = 6;
  struct Resource;
  static const std::array<Resource, kResources> kTable;

  struct Held {
    std::uint64_t amount = 0;
    ReturnRate rate;
  };
  using Account = std::array<Held, kResources>;

  static Amounts amounts_of(const Account& account);
  static void add(Account& account, std::size_t resource, std::uint64_t amount,
                  Nanoseconds now_ns);
  static void take(Account& account, std::size_t resource, std::uint64_t amount,
                   Nanoseconds now_ns);

  const Limits limits_;
  Account total_;
  std::unordered_map<std::uint32_t, Account> users_;  // those that hold something
  PinnedObjects pinned_;
};

}  // namespace tally::job

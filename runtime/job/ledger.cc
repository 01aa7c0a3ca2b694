#include "runtime/job/ledger.h"

#include <algorithm>
#include <string>
#include <string_view>
#include <utility>

namespace tally::job {
namespace {

constexpr Nanoseconds kMillisecond = 1'000'000;

struct Refused {
  std::string_view code;
  std::string_view words;
  std::string_view key;       // in [limits]
  std::string_view user_key;  // what a user's limit goes by; empty: key_per_user
  bool of_user = false;
  std::uint32_t uid = 0;
  std::uint64_t limit = 0;
  std::uint64_t in_use = 0;
  std::uint64_t wanted = 0;

  std::string key_text() const {
    if (of_user && !user_key.empty()) return std::string(user_key);
    return "[limits] " + std::string(key) + (of_user ? "_per_user" : "");
  }
  std::string holder() const {
    return of_user ? "uid " + std::to_string(uid) : "the daemon";
  }
  Error with_facts(Error error) const {
    return std::move(error)
        .with("scope", of_user ? "user" : "daemon")
        .with("limit", static_cast<std::int64_t>(limit))
        .with("wanted", static_cast<std::int64_t>(wanted));
  }
};

Error impossible(const Refused& what) {
  return what.with_facts(Error(
      Errc::InvalidArgument, std::string(what.code),
      "the job takes " + std::to_string(what.wanted) + " " + std::string(what.words) +
          ", and " + what.holder() + " may never hold more than " +
          std::to_string(what.limit) + " (" + what.key_text() + ")"));
}

Error full(const Refused& what) {
  return what
      .with_facts(Error(Errc::Overloaded, std::string(what.code),
                        what.holder() + " holds " + std::to_string(what.in_use) + " " +
                            std::string(what.words) + " and may hold at most " +
                            std::to_string(what.limit) + " (" + what.key_text() + ")"))
      .with("in_use", static_cast<std::int64_t>(what.in_use));
}

}  // namespace

struct Ledger::Resource {
  std::string_view name;  // as in a status
  std::string_view code;
  std::string_view words;
  std::uint64_t Amounts::*amount;
  std::string_view key;  // as Refused has them
  std::string_view user_key;
};

constexpr std::array<Ledger::Resource, Ledger::kResources> Ledger::kTable{{
    {"jobs", "too_many_jobs", "jobs", &Amounts::jobs, "jobs", ""},
    {"chunks", "too_many_chunks", "chunks", &Amounts::chunks, "chunks", ""},
    {"descriptors", "too_many_descriptors", "descriptors", &Amounts::descriptors,
     "descriptors", ""},
    {"requests", "too_many_bytes", "bytes of requests and kernels' states",
     &Amounts::request_bytes, "requests", ""},
    {"pinned", "too_much_pinned", "bytes of memory objects", &Amounts::pinned_bytes,
     "pinned", ""},
    // Each is a descriptor, and where there are several users, a thread in their way.
    {"pipes", "too_many_pipes", "pipes", &Amounts::pipes, "descriptors",
     "three quarters of [threads] max"},
}};

std::uint64_t user_limit(std::uint64_t per_user, std::uint64_t total, bool one_user) {
  if (per_user != 0) return std::min(per_user, total);
  return one_user ? total : std::max<std::uint64_t>(1, total - total / 4);
}

std::optional<Error> Ledger::refusal(const Claim& claim, Nanoseconds now_ns) const {
  Amounts more = claim.amounts;
  more.pinned_bytes = pinned_.unpinned(claim.uid, claim.objects);
  const auto user = users_.find(claim.uid);
  for (std::size_t i = 0; i < kResources; ++i) {
    const auto amount = kTable[i].amount;
    Refused what{kTable[i].code, kTable[i].words, kTable[i].key, kTable[i].user_key,
                 true,           claim.uid};
    what.wanted = more.*amount;
    if (what.wanted == 0) continue;
    for (const bool of_user : {true, false}) {
      const Account* account = of_user ? nullptr : &total_;
      if (of_user && user != users_.end()) account = &user->second;
      what.of_user = of_user;
      what.limit = (of_user ? limits_.per_user : limits_.total).*amount;
      what.in_use = account == nullptr ? 0 : (*account)[i].amount;
      if (what.wanted > what.limit) return impossible(what);
      // What kernels' states took too much may be held for a moment.
      const std::uint64_t room = what.limit - std::min(what.limit, what.in_use);
      if (what.wanted <= room) continue;
      const Nanoseconds wait =
          (*account)[i].rate.wait_for(what.wanted - room, now_ns) / kMillisecond;
      return full(what).with("retry_after_ms", static_cast<std::int64_t>(wait));
    }
  }
  return std::nullopt;
}

std::optional<Error> Ledger::excess(std::uint32_t uid) const {
  const Amounts user = held_by(uid);
  const Amounts all = held();
  for (const Resource& resource : kTable) {
    Refused what{resource.code,     resource.words, resource.key,
                 resource.user_key, true,           uid};
    what.limit = limits_.per_user.*resource.amount;
    what.in_use = user.*resource.amount;
    if (what.in_use > what.limit) return full(what);
    what.of_user = false;
    what.limit = limits_.total.*resource.amount;
    what.in_use = all.*resource.amount;
    if (what.in_use > what.limit) return full(what);
  }
  return std::nullopt;
}

void Ledger::add(Account& account, std::size_t resource, std::uint64_t amount,
                 Nanoseconds now_ns) {
  Held& held = account[resource];
  if (held.amount == 0) held.rate.began(now_ns);
  held.amount += amount;
}

void Ledger::take(Account& account, std::size_t resource, std::uint64_t amount,
                  Nanoseconds now_ns) {
  Held& held = account[resource];
  held.amount -= amount;
  held.rate.came_back(amount, now_ns);
}

void Ledger::hold(const Claim& claim, Nanoseconds now_ns) {
  Amounts more = claim.amounts;
  more.pinned_bytes = pinned_.pin(claim.uid, claim.objects);
  if (more == Amounts()) return;
  Account& user = users_[claim.uid];
  for (std::size_t i = 0; i < kResources; ++i) {
    const std::uint64_t amount = more.*kTable[i].amount;
    if (amount == 0) continue;
    add(user, i, amount, now_ns);
    add(total_, i, amount, now_ns);
  }
}

void Ledger::give_back(const Claim& claim, Nanoseconds now_ns) {
  Amounts less = claim.amounts;
  less.pinned_bytes = pinned_.unpin(claim.uid, claim.objects);
  if (less == Amounts()) return;
  const auto user = users_.find(claim.uid);
  bool empty = true;
  for (std::size_t i = 0; i < kResources; ++i) {
    const std::uint64_t amount = less.*kTable[i].amount;
    if (amount != 0) {
      take(user->second, i, amount, now_ns);
      take(total_, i, amount, now_ns);
    }
    empty = empty && user->second[i].amount == 0;
  }
  if (empty) users_.erase(user);
}

Amounts Ledger::amounts_of(const Account& account) {
  Amounts amounts;
  for (std::size_t i = 0; i < kResources; ++i)
    amounts.*kTable[i].amount = account[i].amount;
  return amounts;
}

Amounts Ledger::held_by(std::uint32_t uid) const {
  const auto user = users_.find(uid);
  return user == users_.end() ? Amounts() : amounts_of(user->second);
}

std::vector<model::LimitUse> Ledger::uses() const {
  std::vector<model::LimitUse> uses;
  const auto add_all = [&uses](const Amounts& held, const Amounts& limits,
                               std::optional<std::uint32_t> uid) {
    for (const Resource& resource : kTable)
      uses.push_back({std::string(resource.name), uid, limits.*resource.amount,
                      held.*resource.amount});
  };
  add_all(held(), limits_.total, std::nullopt);
  std::vector<std::uint32_t> uids;
  for (const auto& [uid, account] : users_) uids.push_back(uid);
  std::ranges::sort(uids);
  for (const std::uint32_t uid : uids) add_all(held_by(uid), limits_.per_user, uid);
  return uses;
}

}  // namespace tally::job

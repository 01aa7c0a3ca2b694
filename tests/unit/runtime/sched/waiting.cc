#include "tests/unit/runtime/sched/waiting.h"

#include <gtest/gtest.h>

#include <algorithm>

namespace tally::sched::test {

void Waiting::stands(JobNumber number, const JobRequest& request, bool wants,
                     Nanoseconds now_ns) {
  if (!request.limits.empty()) comes_unseen(number, {request.lane, request.uid});
  const auto known = standing_.find(number);
  if (!wants) {
    if (known != standing_.end()) leave(known->second, number);
    return;
  }
  if (known != standing_.end()) return;
  const Key key{request.lane, request.uid};
  User& user = users_[key];
  // Who comes starts level: what others gave back meanwhile is not owed.
  if (user.line.empty())
    user.last_turn_ns = std::max<std::int64_t>(user.last_turn_ns, 0);
  user.highest = std::max(user.highest, request.priority);
  user.line[number] = {request.priority, !request.waits, now_ns, {}};
  if (!request.waits) ++user.need_core;
  standing_[number] = key;
}

// Its user may start level at any time that we do not see.
void Waiting::comes_unseen(JobNumber number, Key key) {
  const auto [known, is_new] = unseen_.try_emplace(number, key);
  if (!is_new) --users_.at(known->second).unseen;
  known->second = key;
  User& user = users_[key];
  ++user.unseen;
  user.last_turn_ns = std::max<std::int64_t>(user.last_turn_ns, 0);
}

void Waiting::forget(JobNumber number) {
  took_.erase(number);
  const auto unseen = unseen_.extract(number);
  if (!unseen.empty()) --users_.at(unseen.mapped()).unseen;
}

void Waiting::leave(Key key, JobNumber number) {
  standing_.erase(number);
  User& user = users_.at(key);
  const auto job = user.line.find(number);
  if (job->second.needs_core) --user.need_core;
  user.line.erase(job);
  if (user.line.empty()) user.before_ns.clear();
}

// What others have had before this turn was not too much for any who stands.
void Waiting::begin_turn(Key key, bool with_core) {
  for (auto& [other, user] : users_) {
    if (other.first != key.first || other == key || user.line.empty()) continue;
    if (!with_core && user.need_core == user.line.size()) continue;
    const std::int64_t before_ns = user.before_ns[key.second];
    const std::int64_t most_ns = std::max<std::int64_t>(user.last_turn_ns, 0);
    EXPECT_LE(before_ns, most_ns) << "ns of user " << key.second << " before user "
                                  << other.second << " had a turn";
    ns_waited_ = std::max(ns_waited_, before_ns);
  }
  User& user = users_[key];
  user.last_turn_ns = 0;
  user.before_ns.clear();
}

void Waiting::charge(Key key, std::int64_t ns) {
  User& charged = users_[key];
  charged.last_turn_ns += ns;
  if (charged.unseen > 0)
    charged.last_turn_ns = std::max<std::int64_t>(charged.last_turn_ns, 0);
  for (auto& [other, user] : users_) {
    if (other.first != key.first) continue;
    const auto before = user.before_ns.find(key.second);
    if (before != user.before_ns.end()) before->second += ns;
  }
}

void Waiting::served(const ChunkKey& key, const JobRequest& request, SlotId slot,
                     bool with_core, Nanoseconds now_ns) {
  const Key of{request.lane, request.uid};
  if (turn_of_.insert({slot, request.uid}).second) begin_turn(of, with_core);
  const auto known = took_.find(key.job);
  const Nanoseconds estimate_ns =
      known != took_.end() ? known->second : last_took_[slot.lane];
  charge(of, static_cast<std::int64_t>(estimate_ns));
  Slot& place = slots_[slot];
  if (place.hand.empty()) place.since_ns = now_ns;
  place.hand.push_back({key, of, estimate_ns});

  User& user = users_[of];
  user.highest = std::max(user.highest, request.priority);
  if (standing_.contains(key.job)) leave(of, key.job);
  for (auto& [other, job] : user.line) {
    if (job.needs_core && !with_core) continue;
    const auto steps = static_cast<Nanoseconds>(std::int64_t{user.highest} -
                                                std::int64_t{job.priority});
    if (now_ns < job.since_ns + steps * kAgeing) continue;
    ++came_of_age_;
    EXPECT_TRUE(job.before.insert(key.job).second)
        << "job " << key.job << " had two chunks before job " << other
        << ", which is of age";
  }
}

void Waiting::ended(const ChunkKey& key, SlotId slot, bool worked_on,
                    Nanoseconds now_ns) {
  Slot& place = slots_.at(slot);
  const auto found = std::find_if(place.hand.begin(), place.hand.end(),
                                  [&](const InHand& held) { return held.key == key; });
  const InHand one = *found;
  place.hand.erase(found);
  Nanoseconds took_ns = 0;
  if (worked_on) {
    took_ns = now_ns - std::exchange(place.since_ns, now_ns);
    took_[key.job] = last_took_[slot.lane] = took_ns;
  }
  charge(one.user, static_cast<std::int64_t>(took_ns) -
                       static_cast<std::int64_t>(one.estimate_ns));
}

}  // namespace tally::sched::test

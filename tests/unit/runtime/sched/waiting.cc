#include "tests/unit/runtime/sched/waiting.h"

#include <gtest/gtest.h>

#include <algorithm>

namespace tally::sched::test {

void Waiting::stands(JobNumber number, const JobRequest& request, bool wants,
                     Nanoseconds now_ns) {
  const auto known = standing_.find(number);
  if (!wants) {
    if (known != standing_.end()) leave(known->second, number);
    return;
  }
  if (known != standing_.end()) return;
  const Key key{request.lane, request.uid};
  User& user = users_[key];
  user.highest = std::max(user.highest, request.priority);
  user.line[number] = {request.priority, !request.waits, now_ns, {}};
  if (!request.waits) ++user.need_core;
  standing_[number] = key;
}

void Waiting::leave(Key key, JobNumber number) {
  standing_.erase(number);
  User& user = users_.at(key);
  const auto job = user.line.find(number);
  if (job->second.needs_core) --user.need_core;
  user.line.erase(job);
  if (user.line.empty()) user.turns_before.clear();
}

void Waiting::served(JobNumber number, const JobRequest& request, SlotId slot,
                     bool with_core, Nanoseconds now_ns) {
  const Key key{request.lane, request.uid};
  if (turn_of_.insert({slot, request.uid}).second) {
    for (auto& [other, user] : users_) {
      if (other.first != key.first || other == key || user.line.empty()) continue;
      if (!with_core && user.need_core == user.line.size()) continue;
      const std::uint64_t turns = ++user.turns_before[request.uid];
      EXPECT_LE(turns, 2U) << "turns of user " << request.uid << " before user "
                           << other.second << " had one";
      turns_waited_ = std::max(turns_waited_, turns);
    }
  }
  User& user = users_[key];
  user.highest = std::max(user.highest, request.priority);
  user.turns_before.clear();
  if (standing_.contains(number)) leave(key, number);
  for (auto& [other, job] : user.line) {
    if (job.needs_core && !with_core) continue;
    const auto steps = static_cast<Nanoseconds>(std::int64_t{user.highest} -
                                                std::int64_t{job.priority});
    if (now_ns < job.since_ns + steps * kAgeing) continue;
    ++came_of_age_;
    EXPECT_TRUE(job.before.insert(number).second)
        << "job " << number << " had two chunks before job " << other
        << ", which is of age";
  }
}

}  // namespace tally::sched::test

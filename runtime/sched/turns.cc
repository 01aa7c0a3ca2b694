#include "runtime/sched/turns.h"

#include <algorithm>

#include "ipc/base/check.h"

namespace tally::sched {

Turns::Place Turns::join(JobNumber job, std::uint32_t uid, std::int32_t priority,
                         Nanoseconds now_ns) {
  const auto credit = std::int64_t{priority} * static_cast<std::int64_t>(kAgeing);
  const Place place{static_cast<std::int64_t>(now_ns) - credit, next_ticket_++, job,
                    uid};
  User& user = users_[uid];
  if (user.jobs.empty()) {
    resting_.erase({user.tag, uid});
    user.tag = std::max(user.tag, now_);
    user.ticket = place.ticket;
    order_.insert({user.tag, user.ticket, uid});
  }
  user.jobs.insert(place);
  return place;
}

void Turns::leave(const Place& place) {
  const auto found = users_.find(place.uid);
  User& user = found->second;
  user.jobs.erase(place);
  if (!user.jobs.empty()) return;
  order_.erase({user.tag, user.ticket, place.uid});
  if (user.tag > now_)
    resting_.insert({user.tag, place.uid});
  else
    users_.erase(found);
}

Turns::JobNumber Turns::next() const {
  if (has_turn_) {
    const auto found = users_.find(turn_uid_);
    if (found != users_.end() && !found->second.jobs.empty())
      return found->second.jobs.begin()->job;
  }
  return users_.at(order_.begin()->uid).jobs.begin()->job;
}

void Turns::served(std::uint32_t uid) {
  if (has_turn_ && turn_uid_ == uid) return;
  has_turn_ = true;
  turn_uid_ = uid;
  User& user = users_.at(uid);
  order_.erase({user.tag, user.ticket, uid});
  now_ = user.tag++;
  user.ticket = next_ticket_++;
  order_.insert({user.tag, user.ticket, uid});
  while (!resting_.empty() && resting_.begin()->first <= now_) {
    users_.erase(resting_.begin()->second);
    resting_.erase(resting_.begin());
  }
}

void Turns::check_invariants() const {
  TALLY_CHECK(order_.size() + resting_.size() == users_.size());
  for (const auto& [uid, user] : users_) {
    TALLY_CHECK(user.tag <= now_ + 1);
    if (user.jobs.empty()) {
      TALLY_CHECK(user.tag > now_ && resting_.contains({user.tag, uid}));
    } else {
      TALLY_CHECK(user.tag >= now_ && order_.contains({user.tag, user.ticket, uid}));
    }
  }
}

}  // namespace tally::sched

#include "runtime/sched/turns.h"

#include <algorithm>

#include "ipc/base/check.h"

namespace tally::sched {
// The user's lines are in order_ wherever they have a job.
void Turns::enter(std::uint32_t uid, const User& user) {
  for (const std::size_t core : {0U, 1U})
    if (!user.jobs[core].empty()) order_[core].insert({user.tag, user.ticket, uid});
}

void Turns::step_out(std::uint32_t uid, const User& user) {
  for (const std::size_t core : {0U, 1U})
    order_[core].erase({user.tag, user.ticket, uid});
}

const Turns::Place* Turns::join(JobNumber job, std::uint32_t uid, std::int32_t priority,
                                bool needs_core, Nanoseconds now_ns) {
  const auto credit = std::int64_t{priority} * static_cast<std::int64_t>(kAgeing);
  const Place place{static_cast<std::int64_t>(now_ns) - credit, next_ticket_++, job,
                    uid, needs_core};
  User& user = users_[uid];
  if (!user.stands(true)) {
    resting_.erase({user.tag, uid});
    user.tag = std::max(user.tag, now_);
    user.ticket = place.ticket;
  }
  const auto stands = user.jobs[needs_core ? 1 : 0].insert(place).first;
  enter(uid, user);
  return &*stands;
}

void Turns::leave(const Place* stands) {
  const Place place = *stands;
  User& user = users_.at(place.uid);
  step_out(place.uid, user);
  user.jobs[place.needs_core ? 1 : 0].erase(place);
  enter(place.uid, user);
  rest(place.uid, user);
}

// Forgets a user of whom there is nothing to know.
void Turns::rest(std::uint32_t uid, const User& user) {
  if (user.stands(true) || user.in_hand > 0) return;
  if (user.tag > now_)
    resting_.insert({user.tag, uid});
  else
    users_.erase(uid);
}

Turns::JobNumber Turns::User::next(bool with_core) const {
  if (!with_core || jobs[1].empty()) return jobs[0].begin()->job;
  if (jobs[0].empty()) return jobs[1].begin()->job;
  return std::min(*jobs[0].begin(), *jobs[1].begin()).job;
}

Turns::JobNumber Turns::next(bool with_core) const {
  if (has_turn_) {
    const auto found = users_.find(turn_uid_);
    if (found != users_.end() && found->second.stands(with_core))
      return found->second.next(with_core);
  }
  if (!with_core || order_[1].empty())
    return users_.at(order_[0].begin()->uid).next(with_core);
  if (order_[0].empty()) return users_.at(order_[1].begin()->uid).next(true);
  return users_.at(std::min(*order_[0].begin(), *order_[1].begin()).uid).next(true);
}

void Turns::served(std::uint32_t uid, Nanoseconds estimate_ns) {
  User& user = users_.at(uid);
  step_out(uid, user);
  if (!has_turn_ || turn_uid_ != uid) {
    has_turn_ = true;
    turn_uid_ = uid;
    now_ = std::max(now_, user.tag);
    // A turn is not for nothing, though its chunks may be: who has none yet goes first.
    user.tag = now_ + 1;
    user.ticket = next_ticket_++;
  }
  user.tag += estimate_ns;
  ++user.in_hand;
  enter(uid, user);
  while (!resting_.empty() && resting_.begin()->first <= now_) {
    users_.erase(resting_.begin()->second);
    resting_.erase(resting_.begin());
  }
}

void Turns::ended(std::uint32_t uid, Nanoseconds estimate_ns, Nanoseconds took_ns) {
  User& user = users_.at(uid);
  step_out(uid, user);
  user.tag = user.tag - estimate_ns + took_ns;
  --user.in_hand;
  enter(uid, user);
  rest(uid, user);
}

void Turns::check_invariants() const {
  std::size_t ranks = 0;
  for (const auto& [uid, user] : users_) {
    const bool rests = !user.stands(true) && user.in_hand == 0;
    TALLY_CHECK(rests == resting_.contains({user.tag, uid}));
    TALLY_CHECK(!rests || user.tag > now_);
    for (const std::size_t core : {0U, 1U}) {
      const bool stands = order_[core].contains({user.tag, user.ticket, uid});
      TALLY_CHECK(stands == !user.jobs[core].empty());
      ranks += stands ? 1 : 0;
    }
  }
  TALLY_CHECK(order_[0].size() + order_[1].size() == ranks);
}

}  // namespace tally::sched

// FinishedJobs: answers kept for `wait` and `show`, bounded by number, bytes and age.
//
// Where there are too many, or too much is in them, the oldest one of the uid that
// holds most goes: nobody's answers push out those of somebody who holds less.
//
// Threads: the loop's. They do not outlive the daemon.
#pragma once

#include <algorithm>
#include <cstdint>
#include <deque>
#include <map>
#include <memory>
#include <string>
#include <unordered_map>
#include <utility>

#include "ipc/base/clock.h"
#include "runtime/job/job.h"

namespace tally::job {

class FinishedJobs {
 public:
  FinishedJobs(std::uint64_t most, Nanoseconds age_ns) : most_(most), age_ns_(age_ns) {}

  void add(std::shared_ptr<const EndedJob> job) {
    const Nanoseconds now_ns = job->ended_ns;
    const std::uint64_t place = next_place_++;
    Held& held = users_[job->uid];
    held.places.push_back(place);
    held.bytes += job->request_bytes;
    bytes_ += job->request_bytes;
    if (!job->client_id.empty()) client_ids_[{job->uid, job->client_id}] = place;
    places_[job->answer.id.number] = place;
    jobs_.emplace(place, std::move(job));
    drop_old(now_ns);
  }

  // nullptr if there is none (any more).
  std::shared_ptr<const EndedJob> find(std::uint64_t number, Nanoseconds now_ns) {
    drop_old(now_ns);
    const auto found = places_.find(number);
    return found == places_.end() ? nullptr : jobs_.at(found->second);
  }

  // By the id that its client gave it.
  std::shared_ptr<const EndedJob> find(std::uint32_t uid, const std::string& client_id,
                                       Nanoseconds now_ns) {
    drop_old(now_ns);
    const auto found = client_ids_.find({uid, client_id});
    return found == client_ids_.end() ? nullptr : jobs_.at(found->second);
  }

  template <typename F>
  void for_each(F&& f) const {
    for (const auto& [place, job] : jobs_) f(*job);
  }

 private:
  struct Held {  // by one uid
    std::deque<std::uint64_t> places;
    std::uint64_t bytes = 0;
  };

  void drop_old(Nanoseconds now_ns) {
    while (!jobs_.empty() && jobs_.begin()->second->ended_ns + age_ns_ < now_ns)
      drop_oldest_of(jobs_.begin()->second->uid);
    while (jobs_.size() > most_)
      drop_oldest_of(
          who_holds_most([](const Held& held) { return held.places.size(); }));
    while (bytes_ > kMostBytes)
      drop_oldest_of(who_holds_most([](const Held& held) { return held.bytes; }));
  }

  template <typename Amount>
  std::uint32_t who_holds_most(Amount amount) const {
    return std::ranges::max_element(
               users_, {}, [&](const auto& user) { return amount(user.second); })
        ->first;
  }

  void drop_oldest_of(std::uint32_t uid) {
    const auto user = users_.find(uid);
    const auto oldest = jobs_.find(user->second.places.front());
    const EndedJob& job = *oldest->second;
    bytes_ -= job.request_bytes;
    user->second.bytes -= job.request_bytes;
    user->second.places.pop_front();
    if (user->second.places.empty()) users_.erase(user);
    const auto named = client_ids_.find({uid, job.client_id});
    if (named != client_ids_.end() && named->second == oldest->first)
      client_ids_.erase(named);
    places_.erase(job.answer.id.number);
    jobs_.erase(oldest);
  }

  static constexpr std::uint64_t kMostBytes = 64U << 20;

  const std::uint64_t most_;
  const Nanoseconds age_ns_;
  std::uint64_t next_place_ = 0;
  std::map<std::uint64_t, std::shared_ptr<const EndedJob>> jobs_;  // by place: by end
  std::unordered_map<std::uint64_t, std::uint64_t> places_;        // by number
  std::map<std::pair<std::uint32_t, std::string>, std::uint64_t> client_ids_;  // places
  std::map<std::uint32_t, Held> users_;  // those that hold something
  std::uint64_t bytes_ = 0;              // of the requests they answer
};

}  // namespace tally::job

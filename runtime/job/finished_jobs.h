// FinishedJobs: answers kept for `wait` and `show`, bounded by number, bytes and age.
//
// Threads: the loop's. They do not outlive the daemon.
#pragma once

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
    const std::uint64_t number = job->answer.id.number;
    order_.push_back(number);
    bytes_ += job->request_bytes;
    if (!job->client_id.empty()) client_ids_[{job->uid, job->client_id}] = number;
    jobs_.emplace(number, std::move(job));
    drop_old(jobs_.at(number)->ended_ns);
  }

  // nullptr if there is none (any more).
  std::shared_ptr<const EndedJob> find(std::uint64_t number, Nanoseconds now_ns) {
    drop_old(now_ns);
    const auto found = jobs_.find(number);
    return found == jobs_.end() ? nullptr : found->second;
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
    for (const std::uint64_t number : order_) f(*jobs_.at(number));
  }

 private:
  void drop_old(Nanoseconds now_ns) {
    while (!order_.empty() && (order_.size() > most_ || bytes_ > kMostBytes ||
                               jobs_.at(order_.front())->ended_ns + age_ns_ < now_ns)) {
      const auto oldest = jobs_.find(order_.front());
      bytes_ -= oldest->second->request_bytes;
      const auto named =
          client_ids_.find({oldest->second->uid, oldest->second->client_id});
      if (named != client_ids_.end() && named->second == oldest->first)
        client_ids_.erase(named);
      jobs_.erase(oldest);
      order_.pop_front();
    }
  }

  static constexpr std::uint64_t kMostBytes = 64U << 20;

  const std::uint64_t most_;
  const Nanoseconds age_ns_;
  std::deque<std::uint64_t> order_;  // by end
  std::uint64_t bytes_ = 0;          // of the requests they answer
  std::unordered_map<std::uint64_t, std::shared_ptr<const EndedJob>> jobs_;
  std::map<std::pair<std::uint32_t, std::string>, std::uint64_t> client_ids_;
};

}  // namespace tally::job

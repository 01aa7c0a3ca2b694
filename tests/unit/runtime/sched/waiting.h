// Waiting: whether anybody waits longer than turns.h says, told by what is dispatched.
//
//   users   with a job in line, other users have at most two turns each before their
//   own jobs    once kAgeing times the steps to its user's highest priority have
//   passed,
//           each of the user's jobs has at most one chunk before its own
//
// What goes without a core is before those only who could go without one, too.
//
// Believes nothing of the scheduler's order: counts turns and chunks. Jobs that name
// tokens are served, but do not stand: when they could go is not seen from outside.
#pragma once

#include <cstdint>
#include <map>
#include <set>
#include <utility>

#include "runtime/sched/scheduler.h"

namespace tally::sched::test {

class Waiting {
 public:
  // Whether the job could use a slot of its lane now. Called whenever that may change.
  void stands(JobNumber number, const JobRequest& request, bool wants,
              Nanoseconds now_ns);
  // A chunk of the job was dispatched. Those to one slot are one turn of each user.
  void served(JobNumber number, const JobRequest& request, SlotId slot, bool with_core,
              Nanoseconds now_ns);
  void end_turns() { turn_of_.clear(); }

  std::uint64_t turns_waited() const { return turns_waited_; }  // the most so far
  std::uint64_t came_of_age() const { return came_of_age_; }    // jobs, before a chunk

 private:
  struct Job {
    std::int32_t priority = 0;
    bool needs_core = false;
    Nanoseconds since_ns = 0;
    std::set<JobNumber> before;  // that had a chunk since it came of age
  };
  struct User {
    std::map<JobNumber, Job> line;
    std::uint32_t need_core = 0;                          // of them
    std::int32_t highest = 0;                             // of all jobs so far
    std::map<std::uint32_t, std::uint64_t> turns_before;  // of each other user
  };
  using Key = std::pair<Lane, std::uint32_t>;  // the user's uid

  void leave(Key key, JobNumber number);

  std::map<Key, User> users_;
  std::map<JobNumber, Key> standing_;
  std::set<std::pair<SlotId, std::uint32_t>> turn_of_;
  std::uint64_t turns_waited_ = 0;
  std::uint64_t came_of_age_ = 0;
};

}  // namespace tally::sched::test

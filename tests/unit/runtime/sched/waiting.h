// Waiting: whether anybody waits longer than turns.h says, told by what is dispatched.
//
//   users       with a job in line, other users are charged at most what the last turn
//               of their own was, and one turn each, before the next is theirs
//   own jobs    once kAgeing times the steps to its user's highest priority have
//               passed, each of the user's jobs has at most one chunk before its own
//
// What goes without a core is before those only who could go without one, too.
//
// Believes nothing of the scheduler's order: charges chunks with what they were
// measured to take, those in hand with what scheduler.h estimates. Jobs that name
// tokens are served, but do not stand: when they could go is not seen from outside, and
// a user who has some may have come back, and started level, at any time.
#pragma once

#include <cstdint>
#include <map>
#include <set>
#include <utility>
#include <vector>

#include "runtime/sched/scheduler.h"

namespace tally::sched::test {

class Waiting {
 public:
  // Whether the job could use a slot of its lane now. Called whenever that may change.
  void stands(JobNumber number, const JobRequest& request, bool wants,
              Nanoseconds now_ns);
  // A chunk of the job was dispatched. Those to one slot are one turn of each user.
  void served(const ChunkKey& key, const JobRequest& request, SlotId slot,
              bool with_core, Nanoseconds now_ns);
  // It has left the slot's hand, which worked on it, or has not come to it yet.
  void ended(const ChunkKey& key, SlotId slot, bool worked_on, Nanoseconds now_ns);
  void end_turns() { turn_of_.clear(); }
  void forget(JobNumber number);

  // The most that a user was charged before another, but for the last turn.
  std::int64_t ns_waited() const { return ns_waited_; }
  std::uint64_t came_of_age() const { return came_of_age_; }  // jobs, before a chunk

 private:
  using Key = std::pair<Lane, std::uint32_t>;  // the user's uid
  struct Job {
    std::int32_t priority = 0;
    bool needs_core = false;
    Nanoseconds since_ns = 0;
    std::set<JobNumber> before;  // that had a chunk since it came of age
  };
  struct User {
    std::map<JobNumber, Job> line;
    std::uint32_t need_core = 0;  // of them
    std::int32_t highest = 0;     // of all jobs so far
    std::uint32_t unseen = 0;     // jobs that name tokens
    std::int64_t last_turn_ns = 0;
    std::map<std::uint32_t, std::int64_t> before_ns;  // of each other user, since
  };
  struct InHand {
    ChunkKey key;
    Key user;
    Nanoseconds estimate_ns = 0;
  };
  struct Slot {
    std::vector<InHand> hand;
    Nanoseconds since_ns = 0;
  };

  void comes_unseen(JobNumber number, Key key);
  void leave(Key key, JobNumber number);
  void begin_turn(Key key, bool with_core);
  void charge(Key key, std::int64_t ns);

  std::map<Key, User> users_;
  std::map<JobNumber, Key> standing_;
  std::map<JobNumber, Key> unseen_;
  std::map<SlotId, Slot> slots_;
  std::map<JobNumber, Nanoseconds> took_;  // of each job's last chunk
  std::map<Lane, Nanoseconds> last_took_;
  std::set<std::pair<SlotId, std::uint32_t>> turn_of_;
  std::int64_t ns_waited_ = 0;
  std::uint64_t came_of_age_ = 0;
};

}  // namespace tally::sched::test

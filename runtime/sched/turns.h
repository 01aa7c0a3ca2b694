// Turns: whose chunk is the next one on a lane.
//
// Users first: the next turn, a dispatch, goes to the user whose chunks have taken the
// least time of slots. A user who comes, or comes back, starts level with those who are
// there: nothing is saved up and nothing is owed. Then the user's own jobs: the one
// that has waited longest for its turn, where each step of priority counts as kAgeing
// of waiting. Jobs of one priority thus take turns, and priority never lasts for ever.
//
// How long a chunk takes is known when it ends. At its dispatch its user is charged an
// estimate, which is corrected then, and 1 ns for the turn itself: who has had one goes
// behind who has not.
//
// So waiting is bounded. Once a user has a job in line, every other user has at most as
// much time as the waiting user's own last turn took, and one turn more, before the
// next is theirs: one turn, for a user who comes. Chunks in hand count with their
// estimates. Once a job has waited kAgeing times the steps between its priority and its
// user's highest, jobs that join come behind it, and those there have one chunk each
// before it.
//
// As start-time fair queueing, all shares alike: a user's tag says when, in time of
// slots, the next turn is due; `now_` is the tag of the last turn given, and never goes
// back. Whoever's turn it is has a tag of `now_` at least from then on. Cost: the
// logarithm of how many are in line. Pure.
//
// A job that needs a core (core_budget.h) is passed over while there is none. A user
// all of whose jobs are is not in line meanwhile, as far as the above goes.
#pragma once

#include <compare>
#include <cstddef>
#include <cstdint>
#include <set>
#include <unordered_map>
#include <utility>

#include "ipc/base/clock.h"

namespace tally::sched {

inline constexpr Nanoseconds kAgeing = 1'000'000'000;

class Turns {
 public:
  using JobNumber = std::uint64_t;

  // Where a job stands. Lower is sooner, among jobs of one user.
  struct Place {
    std::int64_t since_ns = 0;  // with its priority taken off
    std::uint64_t ticket = 0;   // first come, first served among equals
    JobNumber job = 0;
    std::uint32_t uid = 0;
    bool needs_core = false;
    friend auto operator<=>(const Place&, const Place&) = default;
  };

  // The job, which is not in line, wants to have a chunk dispatched. The place is its
  // until it leaves, and so long it stays where it is.
  const Place* join(JobNumber job, std::uint32_t uid, std::int32_t priority,
                    bool needs_core, Nanoseconds now_ns);
  void leave(const Place* stands);

  // Whether anybody could go, with a core or without.
  bool any(bool with_core) const {
    return !order_[0].empty() || (with_core && !order_[1].empty());
  }
  bool any_needs_core() const { return !order_[1].empty(); }
  // Not unless any(with_core). Of the user whose turn it is, as long as a job of theirs
  // could go.
  JobNumber next(bool with_core) const;
  // A chunk of this user, who is in line, was dispatched: takes a turn, unless it is
  // theirs already.
  void served(std::uint32_t uid, Nanoseconds estimate_ns);
  // It has left its slot's hand after `took_ns`.
  void ended(std::uint32_t uid, Nanoseconds estimate_ns, Nanoseconds took_ns);
  // What is dispatched from here on is another turn.
  void end_turn() { has_turn_ = false; }

  // Aborts if any invariant is broken; for tests.
  void check_invariants() const;

 private:
  struct User {
    std::uint64_t tag = 0;      // when the next turn is due
    std::uint64_t ticket = 0;   // first come, first served among equal tags
    std::uint64_t in_hand = 0;  // chunks, whose estimates are to be corrected
    std::set<Place> jobs[2];    // [1]: that need a core
    bool stands(bool with_core) const {
      return !jobs[0].empty() || (with_core && !jobs[1].empty());
    }
    JobNumber next(bool with_core) const;
  };
  struct Rank {
    std::uint64_t tag = 0;
    std::uint64_t ticket = 0;
    std::uint32_t uid = 0;
    friend auto operator<=>(const Rank&, const Rank&) = default;
  };

  void enter(std::uint32_t uid, const User& user);
  void step_out(std::uint32_t uid, const User& user);
  void rest(std::uint32_t uid, const User& user);

  std::unordered_map<std::uint32_t, User> users_;
  std::set<Rank> order_[2];  // users with jobs in line; [1]: that need a core
  // Users with neither jobs in line nor chunks in hand, whose turn is not due yet: they
  // are forgotten once it would be.
  std::set<std::pair<std::uint64_t, std::uint32_t>> resting_;
  std::uint64_t now_ = 0;
  std::uint64_t next_ticket_ = 0;
  bool has_turn_ = false;
  std::uint32_t turn_uid_ = 0;
};

}  // namespace tally::sched

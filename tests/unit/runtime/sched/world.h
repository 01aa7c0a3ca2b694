// World: a scheduler with an observer that believes nothing it says.
//
// Every event goes through feed(), which keeps its own books of slots, hands and jobs
// and fails the test at the first action that breaks a promise of scheduler.h: a chunk
// dispatched to a slot that is not free, a partial accepted twice, a job ended twice or
// with chunks missing, the error of a chunk that is not the lowest one to fail, a job
// or user that waits longer than turns.h says (waiting.h), more cores in use than there
// are, two cores given to one lane while the other waits for one. Each event costs the
// books a few lookups; check() goes through all of them.
//
// Actions come back as short lines, which tests compare:
//   "P0 runs 1.2#1"   job 1's chunk 2, attempt 1, in slot 0 of the process lane
//   "P0 runs 1.2#4[0,2)"  … leaves 0 and 1 of it
//   "stop 1 on P0", "accept 1.2#1", "missing 1.2[0,2): worker_killed", "drop 1.2#1",
//   "retry 1.2#1", "done 1", "end 1: cancelled" (the error's code), "round 1 done"
#pragma once

#include <gtest/gtest.h>

#include <deque>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "runtime/sched/scheduler.h"
#include "tests/unit/runtime/sched/waiting.h"

namespace tally::sched::test {

using Lines = std::vector<std::string>;

inline SlotId process(SlotNumber number) {
  return {Lane::Process, number};
}
inline SlotId thread(SlotNumber number) {
  return {Lane::Thread, number};
}
inline constexpr SlotId kInline{Lane::Inline, 0};

inline ChunkKey key_of(JobNumber job, std::uint32_t chunk, std::uint32_t attempt = 1) {
  return {job, 0, chunk, attempt};
}

// A job on the process lane.
JobRequest job_of(JobNumber job, std::uint32_t chunks, std::uint32_t parallel = 64);
JobRequest tiny_job(JobNumber job, std::uint32_t chunks = 1);
JobRequest with_limits(JobRequest request, std::vector<model::TokenLimit> limits);
JobRequest inline_job(JobNumber job, std::uint32_t chunks = 1);

Error bad_cell(std::uint32_t chunk);  // code "bad_cell_<chunk>"
Error killed();                       // code "worker_killed"
Error stopped();                      // class Cancelled: answers an Interrupt

std::string text_of(const Action& action);
std::set<std::string> names_of(const JobRequest& request);  // of its tokens

class World {
 public:
  // A chunk whose attempts are spent, worked off from its first leaf to its last.
  struct KnownDivision {
    std::uint64_t leaves = 1;
    std::uint64_t settled = 0;  // leaves below are accepted or missing
    std::uint64_t most = 1;     // leaves that the next part has, if so many are left
    bool leaf_lost = false;     // the next part is a leaf that was lost once
    std::optional<LeafRange> expected_missing;
  };
  struct KnownJob {
    JobRequest request;
    std::set<std::uint32_t> accepted;  // or missing, in whole or in part
    std::map<std::uint32_t, std::uint32_t> losses;
    std::map<std::uint32_t, KnownDivision> divisions;
    std::uint32_t missing = 0;
    std::uint64_t losses_of_round = 0;
    bool budget_spent = false;  // ends with that, at once
    std::uint32_t limit = 0;    // the lowest chunk that failed, or all
    std::optional<Error> failure;
    std::uint32_t round = 0;
    bool between_rounds = false;
    bool ended = false;
    bool called_off = false;  // cancelled or expired, by an event of ours
    std::optional<Error> error;
    std::set<std::uint32_t> in_hand;        // chunks, those called off too
    std::map<SlotId, std::uint32_t> slots;  // how many of them each holds
    std::uint64_t waiting = 0;              // chunks, as of the last event
  };
  struct KnownSlot {
    bool up = false;
    std::deque<ChunkKey> hand;
    std::optional<Nanoseconds> core_until_ns;  // none: works on no core
    Nanoseconds since_ns = 0;                  // it works on the first in its hand
  };

  explicit World(SchedulerOptions options = {})
      : options_(options), scheduler_(options) {}
  const SchedulerOptions& options() const { return options_; }

  // Jobs that have ended are forgotten once no slot holds any of them.
  void forget_ended() { forgets_ = true; }

  Lines feed(const Event& event);
  // As feed(), in silence. The actions are there until the next event.
  const std::vector<Action>& observe(const Event& event, Nanoseconds now_ns);
  Lines submit(const JobRequest& request) { return feed(Submitted{request}); }
  Lines ready(SlotId slot) { return feed(SlotReady{slot}); }
  Lines done(SlotId slot, ChunkKey key) { return feed(ChunkDone{slot, key}); }
  Lines failed(SlotId slot, ChunkKey key, Error error);
  Lines gone(SlotId slot, std::optional<ChunkKey> running, bool spends = true,
             std::uint64_t leaves = 1);
  Lines cancel(JobNumber job);
  Lines passed(Nanoseconds now_ns);
  Lines next_round(JobNumber job, std::uint32_t chunks, bool more = false) {
    return feed(NextRound{job, Lane::Process, chunks, 64, more});
  }

  // Answers everything in hand, lowest slot first, until nothing is; brings three
  // slots of each lane up first. Jobs between two rounds get a last one of a chunk.
  // Every job must have ended then.
  Lines run_to_the_end();

  // The scheduler's own invariants, and that no slot idles beside work it could do.
  void check() const;

  bool holds(SlotId slot, const ChunkKey& key) const;
  const Scheduler& scheduler() const { return scheduler_; }
  const std::map<JobNumber, KnownJob>& jobs() const { return jobs_; }
  const KnownJob& job(JobNumber number) const { return jobs_.at(number); }
  const std::map<SlotId, KnownSlot>& slots() const { return slots_; }
  std::uint32_t slots_of(JobNumber job) const;
  // Chunks in hand, of jobs that have ended too, that name the token.
  std::uint32_t holding(const std::string& token) const;
  const Waiting& waiting() const { return waiting_; }
  // Cores that were given to a lane while the other one waited for one, too.
  std::uint64_t cores_waited_for() const { return cores_waited_for_; }
  std::uint64_t leases_ended() const { return leases_ended_; }

 private:
  void note(const Event& event);
  void check_answer(const ChunkDone& event, bool was_held);
  void put_in(SlotId slot, const ChunkKey& key);
  void take_out(SlotId slot, const ChunkKey& key);
  void out_of_hand(SlotId slot, const ChunkKey& key);
  void touch(JobNumber number) { touched_.push_back(number); }
  void count_waiting(KnownJob& job);
  void leave_lines();
  void stands(JobNumber number, const KnownJob& job);
  void time_out(SlotId slot, Nanoseconds now_ns);
  void take_core(SlotId slot);
  void give_core_back(KnownSlot& slot);
  bool waits_for_core(Lane lane) const;
  void settle_books();
  bool wants_slot(const KnownJob& job) const;
  void fail(KnownJob& job, std::uint32_t chunk, const Error& error);
  void see(const Action& action);
  void see_dispatch(const Dispatch& action);
  void see_finish(const Finish& action);
  void see_accept(const Accept& action);
  void see_missing(const Missing& action);
  void lose(KnownJob& job, std::uint32_t chunk, const SlotGone& event);
  void give_up(KnownJob& job, std::uint32_t chunk, LeafRange leaves,
               const Error& cause);
  // The leaves below `upto` of a divided chunk need no more work.
  void settle(KnownJob& job, std::uint32_t chunk, std::uint64_t upto);
  void see_round_done(const RoundDone& action);
  bool held_up_by_tokens(const KnownJob& job) const;

  SchedulerOptions options_;
  Scheduler scheduler_;
  std::map<JobNumber, KnownJob> jobs_;
  std::map<SlotId, KnownSlot> slots_;
  std::set<std::pair<Nanoseconds, JobNumber>> deadlines_;
  std::map<std::string, std::uint32_t> held_tokens_;
  std::map<std::string, std::uint32_t> named_tokens_;  // by jobs that have not ended
  std::uint64_t waiting_chunks_ = 0;
  Waiting waiting_;
  std::uint32_t cores_in_use_ = 0;
  std::map<Lane, std::set<JobNumber>> could_use_core_;
  std::map<Lane, std::uint32_t>
      cores_before_;  // given to the other lane, while it waits
  std::uint64_t cores_waited_for_ = 0;
  std::uint64_t leases_ended_ = 0;
  bool forgets_ = false;
  std::vector<JobNumber> touched_;   // jobs that this event or its actions named
  std::set<SlotId> dispatched_now_;  // slots that this event's actions filled
  std::vector<Action> actions_;
  Nanoseconds now_ns_ = 0;
};

}  // namespace tally::sched::test

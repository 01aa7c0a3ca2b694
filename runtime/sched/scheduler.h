// Scheduler: decides everything about jobs and chunks, and does nothing itself.
//
// A pure state machine: events in, actions out; no I/O, no clock, no threads. The
// engine feeds it and carries out what it says; tests feed it invented worlds.
//
//   event                          answered by
//   Submitted                      Dispatch… | Finish (nothing to do)
//   SlotReady                      Dispatch…
//   ChunkDone                      Accept | Drop, then Dispatch…, Finish | RoundDone
//   ChunkFailed                    Interrupt…, Dispatch…, Finish
//   SlotGone                       Retried | Missing…, Dispatch…, Finish | RoundDone
//   CancelRequested, TimePassed    Interrupt…, Finish, Dispatch…
//   NextRound                      Dispatch… | Finish | RoundDone
//   ChunksReleased                 Dispatch…
//
// A job may take several rounds, each a reduction of its own whose outcome says what
// the next one is (merge what kernels gave; count again, nearer to a quantile). Between
// RoundDone and NextRound it holds no slot, and ends by cancellation or deadline as at
// any time.
//
// A chunk is named by (job, round, chunk, attempt). Exactly one partial a chunk and
// round is accepted: the first that answers a dispatch still in hand; every other is
// dropped. A slot that dies costs the chunk it was running one attempt; chunks waiting
// behind it in the same slot are queued again for nothing.
//
// A chunk of several leaves that has spent its attempts is divided (division.h): its
// parts are dispatched and accepted one after the other, each under an attempt number
// of its own. If all succeed, so has the chunk. A part that is poison fails the job;
// one of a partial job is Missing and left out, but not more than kMostMissing of them.
// A loss for which no leaf is to blame ends a division: all that was left is given up.
//
// A job may lose so many attempts over all chunks of a round, then it fails.
//
// A chunk may go on for so long (SchedulerOptions::chunk_timeout_ns), then its job
// fails and the slot is interrupted, as it is for a cancel: another try would take as
// long.
//
// When chunks fail, the job's error is that of the lowest one: chunks below the lowest
// failure run to their end, chunks above it are called off. So the error is the first
// in file order, whatever ran first.
//
// A job whose input comes bit by bit says how many of its first chunks have theirs:
// those from `released` on wait, in no turn list, until ChunksReleased raises it. This
// is for the first round: by the others all of the input is there.
//
// A job that names tokens has a chunk dispatched only when it can take one of each
// (tokens.h); they come back when the chunk leaves its slot's hand in any way. A job
// held up by tokens alone stands in their lines, not in its lane's turns.
//
// A chunk whose job does not wait for its input takes a core, which is one budget for
// threads and workers (core_budget.h). A batch of tiny ones counts as one.
//
// Order: users of a lane share the time of its slots alike, whatever their jobs and
// chunks; among a user's jobs priority goes first, but ages. How long a job can wait is
// said in turns.h. A chunk is estimated to take what its job's last one took, a job's
// first what anybody's did. Free slots are used lowest first: those are the warm ones.
//
// Cost: an event takes the logarithm of how many jobs, users and slots there are, and
// time in proportion to what it names: a job's chunks, a slot's hand, a job's slots.
#pragma once

#include <cstdint>
#include <deque>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <unordered_map>
#include <utility>
#include <variant>
#include <vector>

#include "ipc/base/clock.h"
#include "ipc/base/error.h"
#include "ipc/model/chunk_task.h"
#include "runtime/sched/core_budget.h"
#include "runtime/sched/division.h"
#include "runtime/sched/slot_id.h"
#include "runtime/sched/tokens.h"
#include "runtime/sched/turns.h"

namespace tally::sched {

using JobNumber = std::uint64_t;
using model::ChunkKey;

inline constexpr std::uint32_t kAllChunks = 0xFFFFFFFF;
inline constexpr std::uint32_t kMostMissing = 64;  // of one job

struct JobRequest {
  JobNumber job = 0;  // never used before
  std::uint32_t uid = 0;
  std::uint32_t chunks = 0;
  std::uint32_t parallel = 1;             // slots the job may use at once
  std::uint32_t released = kAllChunks;    // only those below may be dispatched yet
  Nanoseconds deadline_ns = 0;            // on the clock of TimePassed; 0: none
  std::vector<model::TokenLimit> limits;  // an inline job's are ignored
  std::int32_t priority = 0;              // among the user's own jobs
  Lane lane = Lane::Thread;
  bool tiny = false;         // its chunks may share a dispatch with others
  bool more_rounds = false;  // RoundDone, not Finish, once all chunks are accepted
  bool partial = false;      // leaves out what cannot be had of its first round
  bool waits = false;        // its first round, for input: it needs no cores
};

// --- events ---
struct Submitted {
  JobRequest request;
};
struct SlotReady {
  SlotId slot;
};  // free, and whatever it had in hand is settled
// The slot's executor is gone with all it had in hand.
struct SlotGone {
  SlotId slot;
  std::optional<ChunkKey> running;  // what it was working on, if anything
  bool spends_attempt = true;       // false: not the chunk's fault (the zygote died)
  Error cause;
  bool last_attempt = false;       // another would end the same way, and take as long
  std::uint64_t chunk_leaves = 1;  // of `running`'s chunk; 1: it cannot be divided
};
struct ChunkDone {
  SlotId slot;
  ChunkKey key;
};
// `error` of class Cancelled answers an Interrupt; others are the input's fault.
struct ChunkFailed {
  SlotId slot;
  ChunkKey key;
  Error error;
};
struct CancelRequested {
  JobNumber job = 0;
  Error reason;
};
struct TimePassed {
  Nanoseconds now_ns = 0;
};
// The input of all chunks below `upto` is there. Never fewer than before.
struct ChunksReleased {
  JobNumber job = 0;
  std::uint32_t upto = 0;
};
// Answers RoundDone.
struct NextRound {
  JobNumber job = 0;
  Lane lane = Lane::Process;  // not Inline
  std::uint32_t chunks = 0;
  std::uint32_t parallel = 1;
  bool more_rounds = false;
  bool reads_input = false;  // its chunks are the first round's once more
};

using Event = std::variant<Submitted, SlotReady, SlotGone, ChunkDone, ChunkFailed,
                           CancelRequested, TimePassed, NextRound, ChunksReleased>;

// --- actions ---
// Dispatches to one slot that follow each other directly form one batch.
struct Dispatch {
  SlotId slot;
  ChunkKey key;
  std::optional<LeafRange> part{};  // none: the whole chunk
};
struct Interrupt {
  SlotId slot;
  JobNumber job = 0;
};  // raise the cancel flag
struct Accept {
  ChunkKey key;
  std::optional<LeafRange> part{};  // as it was dispatched
};                                  // merge the partial that came with this event
struct Drop {
  ChunkKey key;
};  // throw it away
struct Retried {
  ChunkKey key;
};  // an attempt was spent; the chunk, or a part of it, will run again
// Given up: a partial job goes on without these leaves. A chunk that was never divided
// is missing as a whole, with as many leaves as SlotGone said.
struct Missing {
  JobNumber job = 0;
  std::uint32_t chunk = 0;
  LeafRange leaves;
  Error error;
};
struct Finish {
  JobNumber job = 0;
  std::optional<Error> error;  // none: every chunk was accepted, but what is Missing
};
// Every chunk of the round was accepted, but what is Missing; what comes next?
struct RoundDone {
  JobNumber job = 0;
};

using Action = std::variant<Dispatch, Interrupt, Accept, Drop, Retried, Missing, Finish,
                            RoundDone>;

struct SchedulerOptions {
  std::uint32_t attempts = 3;        // of one chunk
  std::uint32_t batch = 32;          // tiny chunks in one dispatch
  std::uint32_t cores = 0xFFFFFFFF;  // that slots of all lanes may work on at once
  // That a job may lose in a round, or one in ten of its chunks, whichever is more.
  std::uint32_t retries = 1000;
  Nanoseconds chunk_timeout_ns = 0;  // 0: none
};

class Scheduler {
 public:
  explicit Scheduler(SchedulerOptions options)
      : options_(options), cores_(options.cores) {}

  // Appends what to do to `actions`. Total: an event that names a job, slot or chunk
  // that is not there changes nothing. `now_ns` never goes back.
  void handle(const Event& event, Nanoseconds now_ns, std::vector<Action>& actions);

  // When to send TimePassed next; none if nothing is to happen by the clock.
  std::optional<Nanoseconds> next_deadline_ns() const;

  std::size_t jobs() const { return jobs_.size(); }
  std::uint32_t cores_in_use() const { return cores_.in_use(); }
  std::uint64_t waiting_chunks() const { return waiting_chunks_; }
  std::vector<model::TokenStatus> tokens() const { return tokens_.uses(); }
  // Whether the job has had a chunk dispatched. False for unknown jobs.
  bool started(JobNumber job) const;

  // Aborts if any invariant is broken; for tests. Linear in the number of chunks.
  void check_invariants() const;

 private:
  enum class ChunkState : std::uint8_t { Waiting, InHand, Done, CalledOff };
  struct Chunk {
    ChunkState state = ChunkState::Waiting;
    std::uint32_t dispatches = 0;  // the attempt number of the last one
    std::uint32_t losses = 0;      // attempts spent
  };
  // What a job has to do again, and why it fails; most never have any of it.
  struct Setbacks {
    std::set<std::uint32_t> again;  // lost chunks, lowest first
    std::map<std::uint32_t, Division> divided;
    std::optional<Error> failure;  // of chunk `limit`
  };
  struct Job {
    JobRequest request;
    std::uint32_t round = 0;
    bool between_rounds = false;
    bool reads_input = true;  // this round
    bool started = false;
    std::vector<Chunk> chunks;  // that were dispatched: a job in line costs none
    std::uint32_t next = 0;     // chunks from here never were
    std::uint32_t missing = 0;  // ranges
    std::uint64_t losses = 0;   // attempts spent, of all chunks
    std::uint32_t open = 0;     // chunks below `limit` not yet done
    std::uint32_t limit = 0;    // chunks from here do not matter any more
    std::map<SlotNumber, std::uint32_t> slots;  // that hold chunks of it: how many
    const Turns::Place* place = nullptr;        // in its lane's line
    std::optional<Nanoseconds> chunk_took_ns;   // the last one
    std::unique_ptr<Setbacks> setbacks;

    const Setbacks& had() const;
    Setbacks& has();
  };
  struct InHand {
    ChunkKey key;
    std::uint32_t uid = 0;  // the job may have ended
    Nanoseconds estimate_ns = 0;
  };
  struct Slot {
    bool up = false;
    std::deque<InHand> in_hand;  // worked off one after the other
    Nanoseconds since_ns = 0;    // it works on the next one
  };
  struct LaneState {
    std::map<SlotNumber, Slot> slots;
    std::set<SlotNumber> free;
    Turns turns;  // jobs that could use a slot
    std::uint64_t tiny_waiting = 0;
    Nanoseconds chunk_took_ns = 0;  // the last one
  };
  using Actions = std::vector<Action>;

  void on(const Submitted& event, Actions& actions);
  void on(const SlotReady& event, Actions& actions);
  void on(const SlotGone& event, Actions& actions);
  void on(const ChunkDone& event, Actions& actions);
  void on(const ChunkFailed& event, Actions& actions);
  void on(const CancelRequested& event, Actions& actions);
  void on(const TimePassed& event, Actions& actions);
  void on(const NextRound& event, Actions& actions);
  void on(const ChunksReleased& event, Actions& actions);

  LaneState& lane(Lane which) { return lanes_[static_cast<std::size_t>(which)]; }
  const LaneState& lane(Lane which) const {
    return lanes_[static_cast<std::size_t>(which)];
  }
  Job* find(JobNumber number);
  void begin_round(Job& job, Actions& actions);
  // Takes `key` out of the slot's hand; false if it is not there.
  bool release(SlotId slot, const ChunkKey& key);
  void free_if_empty(SlotId slot);
  void requeue(Job& job, std::uint32_t chunk);
  std::optional<LeafRange> part_of(const Job& job, std::uint32_t chunk) const;
  bool lose(Job& job, const ChunkKey& key, const SlotGone& event, Actions& actions);
  void give_up(Job& job, std::uint32_t chunk, LeafRange leaves, const Error& cause,
               Actions& actions);
  void settle(Job& job, std::uint32_t chunk, Actions& actions);
  void fail(Job& job, std::uint32_t chunk, const Error& error, Actions& actions);
  void finish(JobNumber number, std::optional<Error> error, Actions& actions);
  void finish_if_settled(Job& job, Actions& actions);
  void interrupt(JobNumber number, std::uint32_t from_chunk, Actions& actions);
  std::optional<Lane> next_lane() const;
  void give_turns(Actions& actions);
  void give_slot(SlotId slot, Actions& actions);
  bool take_chunk(Job& job, SlotId slot, Actions& actions);
  void begin_next(SlotId id, Slot& slot);
  void measure(LaneState& state, const Slot& slot, const InHand& ended);
  void time_out(SlotId id, Actions& actions);
  bool may_use_slot(const Job& job) const;
  void queue_turn(Job& job);
  void leave_turns(Job& job);
  void call_waiting(Actions& actions);
  std::uint32_t waiting(const Job& job) const;
  bool may_dispatch(const Job& job) const;

  const SchedulerOptions options_;
  std::unordered_map<JobNumber, Job> jobs_;
  std::set<std::pair<Nanoseconds, JobNumber>> deadlines_;
  LaneState lanes_[kLanes];
  std::set<std::pair<Nanoseconds, SlotId>> chunk_ends_;  // of what slots work on
  Tokens tokens_;
  CoreBudget cores_;
  std::uint64_t waiting_chunks_ = 0;
  Nanoseconds now_ns_ = 0;
};

}  // namespace tally::sched

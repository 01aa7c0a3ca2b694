#include "runtime/sched/scheduler.h"

#include <algorithm>
#include <string>
#include <utility>

#include "ipc/base/check.h"

namespace tally::sched {
namespace {

constexpr SlotId kInlineSlot{Lane::Inline, 0};

// The cause of the last loss, told as the end of all of them.
Error given_up(const Error& last, std::uint32_t losses) {
  return Error(last)
      .within("a chunk was lost in " + std::to_string(losses) +
              (losses == 1 ? " attempt" : " attempts") + ", the last time because")
      .with("attempts", std::int64_t{losses});
}

Error budget_spent(const Error& last, std::uint64_t losses, std::uint64_t limit) {
  return Error(Errc::WorkerLost, "retry_budget_spent",
               std::to_string(losses) +
                   " attempts at chunks of this job were lost, more than its " +
                   std::to_string(limit) +
                   " ([pool] retries_per_job), the last one because " + last.message())
      .with("spent", static_cast<std::int64_t>(losses))
      .with("limit", static_cast<std::int64_t>(limit))
      .with("last", last.code());
}

Error too_long(Nanoseconds limit_ns) {
  const auto ms = static_cast<std::int64_t>(limit_ns / 1'000'000);
  return Error(Errc::DeadlineExceeded, "chunk_timeout",
               "a chunk went on for more than " + std::to_string(ms) +
                   " ms, the limit ([pool] chunk_timeout); smaller ones (--chunk) take "
                   "less")
      .with("limit_ms", ms);
}

}  // namespace

void Scheduler::handle(const Event& event, Nanoseconds now_ns,
                       std::vector<Action>& actions) {
  now_ns_ = now_ns;
  std::visit([&](const auto& one) { on(one, actions); }, event);
  call_waiting(actions);
}

std::optional<Nanoseconds> Scheduler::next_deadline_ns() const {
  std::optional<Nanoseconds> next;
  if (!deadlines_.empty()) next = deadlines_.begin()->first;
  // Nobody asks when a lease ends but who has all else to go.
  const bool core_wanted =
      std::any_of(std::begin(lanes_), std::end(lanes_), [](const LaneState& state) {
        return !state.free.empty() && state.turns.any_needs_core();
      });
  if (core_wanted) {
    const std::optional<Nanoseconds> lease = cores_.next_end_ns();
    if (lease && (!next || *lease < *next)) next = lease;
  }
  if (!chunk_ends_.empty() && (!next || chunk_ends_.begin()->first < *next))
    next = chunk_ends_.begin()->first;
  return next;
}

bool Scheduler::started(JobNumber number) const {
  const auto found = jobs_.find(number);
  return found != jobs_.end() && found->second.started;
}

Scheduler::Job* Scheduler::find(JobNumber number) {
  const auto found = jobs_.find(number);
  return found == jobs_.end() ? nullptr : &found->second;
}

// --- events ---

void Scheduler::on(const Submitted& event, Actions& actions) {
  const JobRequest& request = event.request;
  const auto [place, is_new] = jobs_.try_emplace(request.job);
  if (!is_new) return;
  Job& job = place->second;
  job.request = request;
  if (request.lane == Lane::Inline) job.request.released = kAllChunks;
  if (request.deadline_ns != 0) deadlines_.emplace(request.deadline_ns, request.job);
  if (request.lane != Lane::Inline) tokens_.add(request.job, request.limits);
  begin_round(job, actions);
}

void Scheduler::on(const NextRound& event, Actions& actions) {
  Job* job = find(event.job);
  if (job == nullptr || !job->between_rounds || event.lane == Lane::Inline) return;
  if (job->request.lane == Lane::Inline) tokens_.add(event.job, job->request.limits);
  job->request.lane = event.lane;
  job->request.chunks = event.chunks;
  job->request.parallel = event.parallel;
  job->request.tiny = false;
  job->request.waits = false;
  job->request.more_rounds = event.more_rounds;
  job->request.released = kAllChunks;
  ++job->round;
  begin_round(*job, actions);
}

void Scheduler::on(const ChunksReleased& event, Actions& actions) {
  Job* job = find(event.job);
  if (job == nullptr || event.upto <= job->request.released) return;
  job->request.released = event.upto;
  queue_turn(*job);
  give_turns(actions);
}

void Scheduler::begin_round(Job& job, Actions& actions) {
  const JobRequest& request = job.request;
  job.between_rounds = false;
  job.chunks.clear();
  job.divided.clear();
  job.next = 0;
  job.losses = 0;
  job.open = job.limit = request.chunks;
  waiting_chunks_ += request.chunks;
  if (request.tiny) lane(request.lane).tiny_waiting += request.chunks;

  if (request.chunks == 0) {
    finish_if_settled(job, actions);
  } else if (request.lane == Lane::Inline) {
    while (waiting(job) > 0) take_chunk(job, kInlineSlot, actions);
  } else {
    queue_turn(job);
    give_turns(actions);
  }
}

void Scheduler::on(const SlotReady& event, Actions& actions) {
  if (event.slot.lane == Lane::Inline) return;
  Slot& slot = lane(event.slot.lane).slots[event.slot.number];
  slot.up = true;
  free_if_empty(event.slot);
  give_turns(actions);
}

void Scheduler::on(const SlotGone& event, Actions& actions) {
  LaneState& state = lane(event.slot.lane);
  const auto found = state.slots.find(event.slot.number);
  if (found == state.slots.end()) return;
  state.free.erase(event.slot.number);
  found->second.up = false;
  cores_.give_back(event.slot);
  const std::deque<InHand> lost = std::exchange(found->second.in_hand, {});
  std::set<JobNumber> holders;
  for (const InHand& one : lost) {
    holders.insert(one.key.job);
    tokens_.give_back(one.key.job);
    if (event.running == one.key)
      measure(state, found->second, one);
    else
      state.turns.ended(one.uid, one.estimate_ns, 0);
  }
  begin_next(event.slot, found->second);
  for (const JobNumber number : holders) {
    Job* job = find(number);
    if (job == nullptr) continue;
    job->slots.erase(event.slot.number);
    queue_turn(*job);  // it may have been at its limit, with chunks waiting
  }

  for (const InHand& one : lost) {
    const ChunkKey& key = one.key;
    Job* job = find(key.job);
    if (job == nullptr) continue;
    const Chunk& chunk = job->chunks[key.chunk];
    if (chunk.state != ChunkState::InHand || chunk.dispatches != key.attempt) continue;
    if (event.running == key && event.spends_attempt) {
      if (!lose(*job, key, event, actions)) continue;
      actions.emplace_back(Retried{key});
    }
    requeue(*job, key.chunk);
  }
  give_turns(actions);
}

void Scheduler::on(const ChunkDone& event, Actions& actions) {
  const bool in_hand = release(event.slot, event.key);
  Job* job = find(event.key.job);
  if (!in_hand || job == nullptr || event.key.chunk >= job->limit) {
    actions.emplace_back(Drop{event.key});
  } else {
    actions.emplace_back(Accept{event.key, part_of(*job, event.key.chunk)});
    settle(*job, event.key.chunk, actions);
  }
  free_if_empty(event.slot);
  give_turns(actions);
}

void Scheduler::on(const ChunkFailed& event, Actions& actions) {
  const bool in_hand = release(event.slot, event.key);
  Job* job = find(event.key.job);
  if (in_hand && job != nullptr && event.key.chunk < job->limit)
    fail(*job, event.key.chunk, event.error, actions);
  free_if_empty(event.slot);
  give_turns(actions);
}

void Scheduler::on(const CancelRequested& event, Actions& actions) {
  Job* job = find(event.job);
  if (job == nullptr) return;
  interrupt(event.job, 0, actions);
  finish(event.job, event.reason, actions);
  give_turns(actions);
}

void Scheduler::on(const TimePassed& event, Actions& actions) {
  cores_.end_leases(event.now_ns);
  while (!deadlines_.empty() && deadlines_.begin()->first <= event.now_ns) {
    const JobNumber number = deadlines_.begin()->second;
    interrupt(number, 0, actions);
    finish(number,
           Error(Errc::DeadlineExceeded, "timeout",
                 "the job's time ran out before it "
                 "had ended; give it more with "
                 "--timeout"),
           actions);
  }
  while (!chunk_ends_.empty() && chunk_ends_.begin()->first <= event.now_ns) {
    const SlotId slot = chunk_ends_.begin()->second;
    chunk_ends_.erase(chunk_ends_.begin());
    time_out(slot, actions);
  }
  give_turns(actions);
}

// The chunk that the slot works on has gone on for too long. What was called off before
// is about to stop.
void Scheduler::time_out(SlotId id, Actions& actions) {
  const ChunkKey key = lane(id.lane).slots.at(id.number).in_hand.front().key;
  Job* job = find(key.job);
  if (job == nullptr || key.chunk >= job->limit) return;
  Error error = too_long(options_.chunk_timeout_ns);
  // Those of other rounds are none of the input's.
  if (key.round == 0) error = std::move(error).with("chunk", std::int64_t{key.chunk});
  fail(*job, key.chunk, error, actions);
}

// --- chunks ---

bool Scheduler::release(SlotId id, const ChunkKey& key) {
  if (id.lane == Lane::Inline) {
    const Job* job = find(key.job);
    return job != nullptr && job->request.lane == Lane::Inline && id == kInlineSlot &&
           key.round == job->round && key.chunk < job->chunks.size() &&
           job->chunks[key.chunk].state == ChunkState::InHand &&
           job->chunks[key.chunk].dispatches == key.attempt;
  }
  LaneState& state = lane(id.lane);
  const auto found = state.slots.find(id.number);
  if (found == state.slots.end()) return false;
  auto& in_hand = found->second.in_hand;
  const auto at = std::find_if(in_hand.begin(), in_hand.end(),
                               [&](const InHand& one) { return one.key == key; });
  if (at == in_hand.end()) return false;
  measure(state, found->second, *at);
  in_hand.erase(at);
  begin_next(id, found->second);
  if (in_hand.empty()) cores_.give_back(id);
  tokens_.give_back(key.job);
  Job* job = find(key.job);
  if (job == nullptr) return false;
  const auto held = job->slots.find(id.number);
  if (--held->second == 0) {
    job->slots.erase(held);
    queue_turn(*job);
  }
  return job->chunks[key.chunk].state == ChunkState::InHand &&
         job->chunks[key.chunk].dispatches == key.attempt;
}

// The slot works on its chunks one after the other.
void Scheduler::begin_next(SlotId id, Slot& slot) {
  const Nanoseconds limit_ns = options_.chunk_timeout_ns;
  if (limit_ns != 0) chunk_ends_.erase({slot.since_ns + limit_ns, id});
  slot.since_ns = now_ns_;
  if (limit_ns != 0 && !slot.in_hand.empty())
    chunk_ends_.emplace(now_ns_ + limit_ns, id);
}

void Scheduler::measure(LaneState& state, const Slot& slot, const InHand& ended) {
  const Nanoseconds took_ns = now_ns_ - slot.since_ns;
  state.turns.ended(ended.uid, ended.estimate_ns, took_ns);
  state.chunk_took_ns = took_ns;
  if (Job* job = find(ended.key.job)) job->chunk_took_ns = took_ns;
}

void Scheduler::free_if_empty(SlotId id) {
  if (id.lane == Lane::Inline) return;
  LaneState& state = lane(id.lane);
  const auto found = state.slots.find(id.number);
  if (found != state.slots.end() && found->second.up && found->second.in_hand.empty())
    state.free.insert(id.number);
}

std::uint32_t Scheduler::waiting(const Job& job) const {
  const std::uint32_t fresh = job.next < job.limit ? job.limit - job.next : 0;
  return fresh + static_cast<std::uint32_t>(job.again.size());
}

// Whether a chunk waits whose input is there.
bool Scheduler::may_dispatch(const Job& job) const {
  return !job.again.empty() || job.next < std::min(job.limit, job.request.released);
}

void Scheduler::requeue(Job& job, std::uint32_t chunk) {
  if (chunk >= job.limit) {
    job.chunks[chunk].state = ChunkState::CalledOff;
    return;
  }
  job.chunks[chunk].state = ChunkState::Waiting;
  job.again.insert(chunk);
  ++waiting_chunks_;
  if (job.request.tiny) ++lane(job.request.lane).tiny_waiting;
  queue_turn(job);
}

std::optional<LeafRange> Scheduler::part_of(const Job& job, std::uint32_t chunk) const {
  const auto divided = job.divided.find(chunk);
  if (divided == job.divided.end()) return std::nullopt;
  return divided->second.next();
}

// Spends an attempt; whether the chunk, or a part of it, is to run again.
bool Scheduler::lose(Job& job, const ChunkKey& key, const SlotGone& event,
                     Actions& actions) {
  Chunk& chunk = job.chunks[key.chunk];
  ++chunk.losses;
  const std::uint64_t limit =
      std::max<std::uint64_t>(options_.retries, (job.request.chunks + 9ULL) / 10);
  if (++job.losses > limit) {
    interrupt(key.job, 0, actions);
    finish(key.job, budget_spent(event.cause, job.losses, limit), actions);
    return false;
  }
  const auto divided = job.divided.find(key.chunk);
  if (divided != job.divided.end()) {
    Division& division = divided->second;
    if (event.chunk_leaves < 2) {
      const LeafRange rest = division.rest();
      job.divided.erase(divided);
      give_up(job, key.chunk, rest, event.cause, actions);
      return false;
    }
    if (!event.last_attempt && division.lost()) return true;
    give_up(job, key.chunk, division.next(), event.cause, actions);
    return false;
  }
  const bool spent = chunk.losses >= options_.attempts;
  if (event.last_attempt || (spent && event.chunk_leaves < 2)) {
    give_up(job, key.chunk, {0, event.chunk_leaves}, event.cause, actions);
    return false;
  }
  if (spent) job.divided.emplace(key.chunk, Division(event.chunk_leaves));
  return true;
}

void Scheduler::give_up(Job& job, std::uint32_t chunk, LeafRange leaves,
                        const Error& cause, Actions& actions) {
  Error error = given_up(cause, job.chunks[chunk].losses);
  if (!job.request.partial || job.round != 0) return fail(job, chunk, error, actions);
  if (job.missing == kMostMissing) {
    error = Error(error)
                .within("more than " + std::to_string(kMostMissing) +
                        " ranges of a partial job were lost, the last one because")
                .with("missing", std::int64_t{kMostMissing});
    return fail(job, chunk, error, actions);
  }
  ++job.missing;
  actions.emplace_back(Missing{job.request.job, chunk, leaves, std::move(error)});
  settle(job, chunk, actions);
}

// What ran of the chunk needs no more work.
void Scheduler::settle(Job& job, std::uint32_t chunk, Actions& actions) {
  const auto divided = job.divided.find(chunk);
  if (divided != job.divided.end()) {
    if (divided->second.settled()) return requeue(job, chunk);
    job.divided.erase(divided);
  }
  job.chunks[chunk].state = ChunkState::Done;
  --job.open;
  finish_if_settled(job, actions);
}

// Lowers the limit to `chunk`: what lies above does not matter any more.
void Scheduler::fail(Job& job, std::uint32_t chunk, const Error& error,
                     Actions& actions) {
  const JobNumber number = job.request.job;
  const std::uint32_t before = waiting(job);
  job.failure = error;
  const std::uint32_t dispatched = std::min(job.limit, job.next);
  job.open -= job.limit - dispatched;
  for (std::uint32_t i = chunk; i < dispatched; ++i) {
    if (job.chunks[i].state != ChunkState::Done) --job.open;
    job.chunks[i].state = ChunkState::CalledOff;
  }
  job.limit = chunk;
  job.again.erase(job.again.lower_bound(chunk), job.again.end());
  job.divided.erase(job.divided.lower_bound(chunk), job.divided.end());
  const std::uint32_t fewer = before - waiting(job);
  waiting_chunks_ -= fewer;
  if (job.request.tiny) lane(job.request.lane).tiny_waiting -= fewer;
  if (!may_dispatch(job)) {
    leave_turns(job);
    tokens_.leave_line(number);
  }
  interrupt(number, chunk, actions);
  finish_if_settled(job, actions);
}

void Scheduler::finish_if_settled(Job& job, Actions& actions) {
  if (job.open != 0) return;
  if (job.failure || !job.request.more_rounds)
    return finish(job.request.job, job.failure, actions);
  job.between_rounds = true;
  actions.emplace_back(RoundDone{job.request.job});
}

void Scheduler::finish(JobNumber number, std::optional<Error> error, Actions& actions) {
  const auto found = jobs_.find(number);
  Job& job = found->second;
  leave_turns(job);
  const std::uint32_t left = waiting(job);
  waiting_chunks_ -= left;
  if (job.request.tiny) lane(job.request.lane).tiny_waiting -= left;
  deadlines_.erase({job.request.deadline_ns, number});
  tokens_.remove(number);
  jobs_.erase(found);
  actions.emplace_back(Finish{number, std::move(error)});
}

void Scheduler::interrupt(JobNumber number, std::uint32_t from_chunk,
                          Actions& actions) {
  const Job& job = jobs_.at(number);
  const LaneState& state = lane(job.request.lane);
  for (const auto& [slot_number, chunks] : job.slots) {
    // The flag stops a slot's work for the whole job, so a slot that also holds a
    // chunk that still matters is left alone; its other partials will be dropped.
    bool holds_doomed = false;
    bool holds_needed = false;
    for (const InHand& one : state.slots.at(slot_number).in_hand) {
      if (one.key.job != number) continue;
      (one.key.chunk >= from_chunk ? holds_doomed : holds_needed) = true;
    }
    if (holds_doomed && !holds_needed)
      actions.emplace_back(Interrupt{{job.request.lane, slot_number}, number});
  }
}

// --- turns ---

bool Scheduler::may_use_slot(const Job& job) const {
  return job.request.lane != Lane::Inline && may_dispatch(job) &&
         job.slots.size() < job.request.parallel &&
         !tokens_.held_up(job.request.job);  // its turn comes with the tokens
}

void Scheduler::queue_turn(Job& job) {
  if (job.place || !may_use_slot(job)) return;
  const JobRequest& request = job.request;
  job.place = lane(request.lane)
                  .turns.join(request.job, request.uid, request.priority,
                              !request.waits, now_ns_);
}

void Scheduler::leave_turns(Job& job) {
  if (job.place) lane(job.request.lane).turns.leave(*job.place);
  job.place.reset();
}

// A lane with a free slot and a job that could use it.
std::optional<Lane> Scheduler::next_lane() const {
  const Lane first = cores_.next_lane();
  const Lane other = first == Lane::Thread ? Lane::Process : Lane::Thread;
  for (const Lane which : {first, other}) {
    const LaneState& state = lane(which);
    if (!state.free.empty() && state.turns.any(cores_.has_room())) return which;
  }
  return std::nullopt;
}

void Scheduler::give_turns(Actions& actions) {
  while (const std::optional<Lane> which = next_lane())
    give_slot({*which, *lane(*which).free.begin()}, actions);
}

// Fills one free slot, unless all who could use it lack tokens: they leave the line.
void Scheduler::give_slot(SlotId slot, Actions& actions) {
  LaneState& state = lane(slot.lane);
  const auto free_slots = static_cast<std::uint64_t>(state.free.size());
  const std::uint64_t share = (state.tiny_waiting + free_slots - 1) / free_slots;
  const std::uint64_t most_tiny = std::clamp<std::uint64_t>(share, 1, options_.batch);
  std::uint64_t taken = 0;
  bool with_core = cores_.has_room();
  while (state.turns.any(with_core)) {
    Job& job = *find(state.turns.next(with_core));
    // A batch is all tiny; a job that is not takes the slot alone.
    if (taken > 0 && (!job.request.tiny || taken >= most_tiny)) break;
    const bool took = take_chunk(job, slot, actions);
    if (took)
      state.turns.served(job.request.uid,
                         state.slots.at(slot.number).in_hand.back().estimate_ns);
    leave_turns(job);
    queue_turn(job);
    if (!took) continue;
    // The first chunk settles whether the slot works on a core.
    if (taken == 0) with_core = !job.request.waits;
    ++taken;
    if (!job.request.tiny) break;
  }
  state.turns.end_turn();
  if (taken == 0) return;
  state.free.erase(slot.number);
  if (with_core) cores_.take(slot, now_ns_);
}

bool Scheduler::take_chunk(Job& job, SlotId id, Actions& actions) {
  if (!may_dispatch(job) || !tokens_.take(job.request.job)) return false;
  std::uint32_t index = 0;
  if (!job.again.empty()) {
    index = *job.again.begin();
    job.again.erase(job.again.begin());
  } else {
    index = job.next++;
    job.chunks.emplace_back();
  }
  Chunk& chunk = job.chunks[index];
  chunk.state = ChunkState::InHand;
  ++chunk.dispatches;
  job.started = true;
  --waiting_chunks_;
  if (job.request.tiny) --lane(id.lane).tiny_waiting;
  const ChunkKey key{job.request.job, job.round, index, chunk.dispatches};
  if (id.lane != Lane::Inline) {
    LaneState& state = lane(id.lane);
    Slot& slot = state.slots.at(id.number);
    slot.in_hand.push_back(
        {key, job.request.uid, job.chunk_took_ns.value_or(state.chunk_took_ns)});
    if (slot.in_hand.size() == 1) begin_next(id, slot);
    ++job.slots[id.number];
  }
  actions.emplace_back(Dispatch{id, key, part_of(job, index)});
  return true;
}

// Jobs whose tokens came back take their turns, on whatever lane.
void Scheduler::call_waiting(Actions& actions) {
  while (const std::optional<JobNumber> number = tokens_.next_called()) {
    Job* job = find(*number);
    if (job == nullptr) continue;
    queue_turn(*job);
    give_turns(actions);
  }
}

// --- invariants ---

void Scheduler::check_invariants() const {
  std::uint64_t waiting_total = 0;
  std::map<std::pair<JobNumber, std::uint32_t>, int> held;
  std::map<JobNumber, std::uint32_t> in_hand;
  for (const LaneState& state : lanes_) {
    state.turns.check_invariants();
    TALLY_CHECK(state.free.empty() || !state.turns.any(cores_.has_room()));
    for (const auto& [number, slot] : state.slots) {
      TALLY_CHECK(state.free.contains(number) == (slot.up && slot.in_hand.empty()));
      TALLY_CHECK(slot.up || slot.in_hand.empty());
      for (const InHand& one : slot.in_hand) {
        const ChunkKey& key = one.key;
        ++in_hand[key.job];
        const auto found = jobs_.find(key.job);
        if (found == jobs_.end()) continue;
        const Chunk& chunk = found->second.chunks[key.chunk];
        if (chunk.state == ChunkState::InHand && chunk.dispatches == key.attempt)
          ++held[{key.job, key.chunk}];
      }
    }
  }
  for (const auto& [number, job] : jobs_) {
    TALLY_CHECK(job.chunks.size() == job.next);
    waiting_total += waiting(job);
    std::uint32_t open = 0;
    for (std::uint32_t i = 0; i < job.limit; ++i) {
      const Chunk chunk = i < job.next ? job.chunks[i] : Chunk{};
      if (chunk.state != ChunkState::Done) ++open;
      const bool waits = i >= job.next || job.again.contains(i);
      TALLY_CHECK(waits == (chunk.state == ChunkState::Waiting));
      const bool divided = job.divided.contains(i);
      TALLY_CHECK(divided ? chunk.losses >= options_.attempts
                          : chunk.losses < options_.attempts ||
                                chunk.state == ChunkState::Done);
      TALLY_CHECK(!divided || chunk.state != ChunkState::Done);
      if (job.request.lane != Lane::Inline)
        TALLY_CHECK((held.count({number, i}) == 1) ==
                    (chunk.state == ChunkState::InHand));
    }
    TALLY_CHECK(open == job.open && (open == 0) == job.between_rounds);
    TALLY_CHECK(!job.between_rounds || (job.slots.empty() && !job.failure));
    TALLY_CHECK(job.missing <= kMostMissing &&
                (job.missing == 0 || job.request.partial));
    TALLY_CHECK(job.slots.size() <= job.request.parallel);
    TALLY_CHECK(job.place.has_value() == may_use_slot(job));
    TALLY_CHECK(!tokens_.held_up(number) || may_dispatch(job));
    TALLY_CHECK(job.next <= job.request.released);
  }
  TALLY_CHECK(waiting_total == waiting_chunks_);
  tokens_.check_invariants(in_hand);
  cores_.check_invariants();
  for (const auto& [end_ns, id] : chunk_ends_) {
    const Slot& slot = lane(id.lane).slots.at(id.number);
    TALLY_CHECK(!slot.in_hand.empty() &&
                end_ns == slot.since_ns + options_.chunk_timeout_ns);
  }
}

}  // namespace tally::sched

// Scheduler: what becomes of a chunk that has left its slot, and of its job.
#include <algorithm>
#include <string>
#include <utility>

#include "runtime/sched/scheduler.h"

namespace tally::sched {
namespace {

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
  return fresh + static_cast<std::uint32_t>(job.had().again.size());
}

// Whether a chunk waits whose input is there.
bool Scheduler::may_dispatch(const Job& job) const {
  return !job.had().again.empty() ||
         job.next < std::min(job.limit, job.request.released);
}

void Scheduler::requeue(Job& job, std::uint32_t chunk) {
  if (chunk >= job.limit) {
    job.chunks[chunk].state = ChunkState::CalledOff;
    return;
  }
  job.chunks[chunk].state = ChunkState::Waiting;
  job.has().again.insert(chunk);
  ++waiting_chunks_;
  if (job.request.tiny) ++lane(job.request.lane).tiny_waiting;
  queue_turn(job);
}

std::optional<LeafRange> Scheduler::part_of(const Job& job, std::uint32_t chunk) const {
  const auto divided = job.had().divided.find(chunk);
  if (divided == job.had().divided.end()) return std::nullopt;
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
  auto& parts = job.has().divided;
  const auto divided = parts.find(key.chunk);
  if (divided != parts.end()) {
    Division& division = divided->second;
    if (event.chunk_leaves < 2) {
      const LeafRange rest = division.rest();
      parts.erase(divided);
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
  if (spent) parts.emplace(key.chunk, Division(event.chunk_leaves));
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
  if (job.setbacks) {
    auto& parts = job.setbacks->divided;
    const auto divided = parts.find(chunk);
    if (divided != parts.end()) {
      if (divided->second.settled()) return requeue(job, chunk);
      parts.erase(divided);
    }
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
  Setbacks& setbacks = job.has();
  setbacks.failure = error;
  const std::uint32_t dispatched = std::min(job.limit, job.next);
  job.open -= job.limit - dispatched;
  for (std::uint32_t i = chunk; i < dispatched; ++i) {
    if (job.chunks[i].state != ChunkState::Done) --job.open;
    job.chunks[i].state = ChunkState::CalledOff;
  }
  job.limit = chunk;
  const auto from = [chunk](auto& of) { of.erase(of.lower_bound(chunk), of.end()); };
  from(setbacks.again);
  from(setbacks.divided);
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
  if (job.had().failure || !job.request.more_rounds)
    return finish(job.request.job, job.had().failure, actions);
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

// The chunk that the slot works on has gone on for too long. What was called off before
// is about to stop.
void Scheduler::time_out(SlotId id, Actions& actions) {
  const ChunkKey key = lane(id.lane).slots.at(id.number).in_hand.front().key;
  Job* job = find(key.job);
  if (job == nullptr || key.chunk >= job->limit) return;
  Error error = too_long(options_.chunk_timeout_ns);
  if (job->reads_input) error = std::move(error).with("chunk", std::int64_t{key.chunk});
  fail(*job, key.chunk, error, actions);
}

}  // namespace tally::sched

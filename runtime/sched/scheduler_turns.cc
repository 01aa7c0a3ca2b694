// Scheduler: whose chunk goes to which slot next.
#include <algorithm>

#include "runtime/sched/scheduler.h"

namespace tally::sched {

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
  if (job.place) lane(job.request.lane).turns.leave(job.place);
  job.place = nullptr;
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
  if (!job.had().again.empty()) {
    auto& again = job.setbacks->again;
    index = *again.begin();
    again.erase(again.begin());
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

}  // namespace tally::sched

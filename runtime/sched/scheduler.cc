#include "runtime/sched/scheduler.h"

#include <algorithm>
#include <utility>

namespace tally::sched {

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

const Scheduler::Setbacks& Scheduler::Job::had() const {
  static const auto& kNone = *new Setbacks;  // outlives a host's exit()
  return setbacks ? *setbacks : kNone;
}

Scheduler::Setbacks& Scheduler::Job::has() {
  if (!setbacks) setbacks = std::make_unique<Setbacks>();
  return *setbacks;
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
  job->reads_input = event.reads_input;
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
  if (job.setbacks) job.setbacks->divided.clear();
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

}  // namespace tally::sched

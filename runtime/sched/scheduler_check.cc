// Scheduler: what must be true between two events.
#include <map>
#include <utility>

#include "ipc/base/check.h"
#include "runtime/sched/scheduler.h"

namespace tally::sched {

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
      const bool waits = i >= job.next || job.had().again.contains(i);
      TALLY_CHECK(waits == (chunk.state == ChunkState::Waiting));
      const bool divided = job.had().divided.contains(i);
      TALLY_CHECK(divided ? chunk.losses >= options_.attempts
                          : chunk.losses < options_.attempts ||
                                chunk.state == ChunkState::Done);
      TALLY_CHECK(!divided || chunk.state != ChunkState::Done);
      if (job.request.lane != Lane::Inline)
        TALLY_CHECK((held.count({number, i}) == 1) ==
                    (chunk.state == ChunkState::InHand));
    }
    TALLY_CHECK(open == job.open && (open == 0) == job.between_rounds);
    TALLY_CHECK(!job.between_rounds || (job.slots.empty() && !job.had().failure));
    TALLY_CHECK(job.missing <= kMostMissing &&
                (job.missing == 0 || job.request.partial));
    TALLY_CHECK(job.slots.size() <= job.request.parallel);
    TALLY_CHECK((job.place != nullptr) == may_use_slot(job));
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

#include "tests/unit/runtime/sched/world.h"

#include <algorithm>
#include <bit>
#include <utility>

namespace tally::sched::test {
namespace {

std::string name_of(SlotId slot) {
  return std::string(1, "ITP"[static_cast<std::size_t>(slot.lane)]) +
         std::to_string(slot.number);
}

std::string name_of(const ChunkKey& key) {
  const std::string round = key.round == 0 ? "" : "r" + std::to_string(key.round);
  return std::to_string(key.job) + round + "." + std::to_string(key.chunk) + "#" +
         std::to_string(key.attempt);
}

std::string name_of(const LeafRange& leaves) {
  return "[" + std::to_string(leaves.begin) + "," + std::to_string(leaves.end) + ")";
}

std::string name_of(const ChunkKey& key, const std::optional<LeafRange>& part) {
  return name_of(key) + (part ? name_of(*part) : "");
}

struct TextOf {
  std::string operator()(const Dispatch& action) const {
    return name_of(action.slot) + " runs " + name_of(action.key, action.part);
  }
  std::string operator()(const Interrupt& action) const {
    return "stop " + std::to_string(action.job) + " on " + name_of(action.slot);
  }
  std::string operator()(const Accept& action) const {
    return "accept " + name_of(action.key, action.part);
  }
  std::string operator()(const Drop& action) const {
    return "drop " + name_of(action.key);
  }
  std::string operator()(const Retried& action) const {
    return "retry " + name_of(action.key);
  }
  std::string operator()(const Missing& action) const {
    return "missing " + std::to_string(action.job) + "." +
           std::to_string(action.chunk) + name_of(action.leaves) + ": " +
           action.error.code();
  }
  std::string operator()(const Finish& action) const {
    if (!action.error) return "done " + std::to_string(action.job);
    return "end " + std::to_string(action.job) + ": " + action.error->code();
  }
  std::string operator()(const RoundDone& action) const {
    return "round " + std::to_string(action.job) + " done";
  }
};

}  // namespace

JobRequest job_of(JobNumber job, std::uint32_t chunks, std::uint32_t parallel) {
  JobRequest request;
  request.job = job;
  request.lane = Lane::Process;
  request.chunks = chunks;
  request.parallel = parallel;
  return request;
}

JobRequest tiny_job(JobNumber job, std::uint32_t chunks) {
  JobRequest request = job_of(job, chunks);
  request.tiny = true;
  return request;
}

JobRequest with_limits(JobRequest request, std::vector<model::TokenLimit> limits) {
  request.limits = std::move(limits);
  return request;
}

JobRequest inline_job(JobNumber job, std::uint32_t chunks) {
  JobRequest request = job_of(job, chunks);
  request.lane = Lane::Inline;
  return request;
}

Error bad_cell(std::uint32_t chunk) {
  return Error(Errc::InvalidData, "bad_cell_" + std::to_string(chunk), "no number");
}

Error killed() {
  return Error(Errc::WorkerLost, "worker_killed", "SIGKILL");
}

Error stopped() {
  return Error(Errc::Cancelled, "the chunk was called off");
}

std::string text_of(const Action& action) {
  return std::visit(TextOf{}, action);
}

std::set<std::string> names_of(const JobRequest& request) {
  std::set<std::string> names;
  for (const model::TokenLimit& limit : request.limits) names.insert(limit.name);
  return names;
}

// --- events ---

Lines World::failed(SlotId slot, ChunkKey key, Error error) {
  return feed(ChunkFailed{slot, key, std::move(error)});
}

Lines World::gone(SlotId slot, std::optional<ChunkKey> running, bool spends,
                  std::uint64_t leaves) {
  return feed(SlotGone{slot, running, spends, killed(), false, leaves});
}

Lines World::passed(Nanoseconds now_ns) {
  return feed(TimePassed{now_ns});
}

Lines World::cancel(JobNumber job) {
  return feed(CancelRequested{job, Error(Errc::Cancelled, "asked for")});
}

Lines World::feed(const Event& event) {
  const auto* time = std::get_if<TimePassed>(&event);
  if (time != nullptr) now_ns_ = std::max(now_ns_, time->now_ns);
  Lines lines;
  for (const Action& action : observe(event, now_ns_)) lines.push_back(text_of(action));
  return lines;
}

const std::vector<Action>& World::observe(const Event& event, Nanoseconds now_ns) {
  now_ns_ = now_ns;
  const auto* answered = std::get_if<ChunkDone>(&event);
  const bool was_held = answered != nullptr && holds(answered->slot, answered->key);
  touched_.clear();
  note(event);
  leave_lines();
  actions_.clear();
  dispatched_now_.clear();
  scheduler_.handle(event, now_ns_, actions_);
  if (answered != nullptr) check_answer(*answered, was_held);
  for (const Action& action : actions_) see(action);
  waiting_.end_turns();
  settle_books();
  return actions_;
}

void World::count_waiting(KnownJob& job) {
  std::uint64_t waiting = 0;
  if (!job.ended) {
    const auto below = [&](const std::set<std::uint32_t>& chunks) {
      return static_cast<std::uint64_t>(
          std::distance(chunks.begin(), chunks.lower_bound(job.limit)));
    };
    waiting = job.limit - below(job.accepted) - below(job.in_hand);
  }
  waiting_chunks_ = waiting_chunks_ - job.waiting + waiting;
  job.waiting = waiting;
}

// Jobs that the event itself leaves nothing to wait for do not wait while its actions
// are seen.
void World::leave_lines() {
  for (const JobNumber number : touched_) {
    const auto found = jobs_.find(number);
    if (found == jobs_.end()) continue;
    count_waiting(found->second);
    if (!wants_slot(found->second)) stands(number, found->second);
  }
}

void World::stands(JobNumber number, const KnownJob& job) {
  const bool wants = wants_slot(job);
  waiting_.stands(number, job.request, wants, now_ns_);
  if (job.ended) waiting_.forget(number);
  if (wants && !job.request.waits)
    could_use_core_[job.request.lane].insert(number);
  else
    for (auto& [lane, jobs] : could_use_core_) jobs.erase(number);
}

// A slot is free and a job could use it, with a core.
bool World::waits_for_core(Lane lane) const {
  const auto jobs = could_use_core_.find(lane);
  if (jobs == could_use_core_.end() || jobs->second.empty()) return false;
  return std::any_of(slots_.begin(), slots_.end(), [&](const auto& entry) {
    return entry.first.lane == lane && entry.second.up && entry.second.hand.empty();
  });
}

void World::take_core(SlotId slot) {
  slots_.at(slot).core_until_ns = now_ns_ + kCoreLease;
  EXPECT_LE(++cores_in_use_, options_.cores);
  const Lane other = slot.lane == Lane::Thread ? Lane::Process : Lane::Thread;
  cores_before_[slot.lane] = 0;
  if (!waits_for_core(other)) {
    cores_before_[other] = 0;
    return;
  }
  ++cores_waited_for_;
  EXPECT_LE(++cores_before_[other], 1U) << "the other lane waits for a core";
}

void World::give_core_back(KnownSlot& slot) {
  if (!slot.core_until_ns) return;
  EXPECT_GT(cores_in_use_, 0U);
  --cores_in_use_;
  slot.core_until_ns.reset();
}

// What became of the jobs that were named: no chunk waits that the scheduler does not
// know of, nor the other way round.
void World::settle_books() {
  for (const JobNumber number : touched_) {
    const auto found = jobs_.find(number);
    if (found == jobs_.end()) continue;
    KnownJob& job = found->second;
    count_waiting(job);
    stands(number, job);
    EXPECT_TRUE(job.ended || !job.called_off) << "job " << number << " goes on";
    if (forgets_ && job.ended && job.in_hand.empty()) jobs_.erase(found);
  }
  EXPECT_EQ(scheduler_.waiting_chunks(), waiting_chunks_);
  EXPECT_EQ(scheduler_.cores_in_use(), cores_in_use_);
}

// Whether a free slot, and nothing else, is all that the job needs. Of jobs that name
// tokens we do not know.
bool World::wants_slot(const KnownJob& job) const {
  if (job.ended || job.request.lane == Lane::Inline || !job.request.limits.empty())
    return false;
  if (job.waiting == 0 || job.slots.size() >= job.request.parallel) return false;
  if (job.request.released >= job.limit) return true;
  const auto below = [&](const std::set<std::uint32_t>& chunks) {
    return std::distance(chunks.begin(), chunks.lower_bound(job.request.released));
  };
  return job.request.released > below(job.accepted) + below(job.in_hand);
}

// Exactly one verdict on each partial, before anything else is said.
void World::check_answer(const ChunkDone& event, bool was_held) {
  const auto job = jobs_.find(event.key.job);
  const bool wanted = was_held && job != jobs_.end() && !job->second.ended &&
                      event.key.chunk < job->second.limit;
  ASSERT_FALSE(actions_.empty());
  const auto* accept = std::get_if<Accept>(&actions_.front());
  const auto* drop = std::get_if<Drop>(&actions_.front());
  EXPECT_TRUE(wanted ? accept != nullptr && accept->key == event.key
                     : drop != nullptr && drop->key == event.key)
      << text_of(actions_.front()) << " answers " << name_of(event.key);
  for (std::size_t i = 1; i < actions_.size(); ++i)
    EXPECT_FALSE(std::holds_alternative<Accept>(actions_[i]) ||
                 std::holds_alternative<Drop>(actions_[i]));
}

// What the event itself makes true, whatever the scheduler answers.
void World::note(const Event& event) {
  if (const auto* submitted = std::get_if<Submitted>(&event)) {
    const JobRequest& request = submitted->request;
    const auto [place, is_new] = jobs_.try_emplace(request.job);
    touch(request.job);
    if (!is_new) return;
    place->second.request = request;
    place->second.limit = request.chunks;
    for (const std::string& name : names_of(request)) ++named_tokens_[name];
    if (request.deadline_ns != 0) deadlines_.insert({request.deadline_ns, request.job});
  } else if (const auto* is_ready = std::get_if<SlotReady>(&event)) {
    if (is_ready->slot.lane != Lane::Inline) slots_[is_ready->slot].up = true;
  } else if (const auto* answered = std::get_if<ChunkDone>(&event)) {
    touch(answered->key.job);
    take_out(answered->slot, answered->key);
  } else if (const auto* failure = std::get_if<ChunkFailed>(&event)) {
    const bool was_held = holds(failure->slot, failure->key);
    touch(failure->key.job);
    take_out(failure->slot, failure->key);
    const auto job = jobs_.find(failure->key.job);
    if (was_held && job != jobs_.end())
      fail(job->second, failure->key.chunk, failure->error);
  } else if (const auto* lost = std::get_if<SlotGone>(&event)) {
    const auto slot = slots_.find(lost->slot);
    if (slot == slots_.end() || lost->slot.lane == Lane::Inline) return;
    slot->second.up = false;
    give_core_back(slot->second);
    const auto hand = std::exchange(slot->second.hand, {});
    for (const ChunkKey& key : hand) {
      touch(key.job);
      waiting_.ended(key, lost->slot, lost->running == key, now_ns_);
      out_of_hand(lost->slot, key);
      const auto job = jobs_.find(key.job);
      if (lost->running != key || !lost->spends_attempt || job == jobs_.end()) continue;
      if (job->second.ended || key.chunk >= job->second.limit) continue;
      lose(job->second, key.chunk, *lost);
    }
  } else if (const auto* cancelled = std::get_if<CancelRequested>(&event)) {
    const auto job = jobs_.find(cancelled->job);
    touch(cancelled->job);
    if (job != jobs_.end()) job->second.called_off = true;
  } else if (const auto* time = std::get_if<TimePassed>(&event)) {
    for (auto& [slot, known] : slots_) {
      if (!known.core_until_ns || *known.core_until_ns > time->now_ns) continue;
      give_core_back(known);
      ++leases_ended_;
    }
    for (const auto& [slot, known] : slots_) time_out(slot, time->now_ns);
    while (!deadlines_.empty() && deadlines_.begin()->first <= time->now_ns) {
      const auto job = jobs_.find(deadlines_.begin()->second);
      if (job != jobs_.end()) job->second.called_off = true;
      touch(deadlines_.begin()->second);
      deadlines_.erase(deadlines_.begin());
    }
  } else if (const auto* next = std::get_if<NextRound>(&event)) {
    const auto found = jobs_.find(next->job);
    if (found == jobs_.end() || !found->second.between_rounds) return;
    if (next->lane == Lane::Inline) return;
    touch(next->job);
    KnownJob& job = found->second;
    job.between_rounds = false;
    ++job.round;
    job.accepted.clear();
    job.losses.clear();
    job.losses_of_round = 0;
    job.divisions.clear();
    job.limit = job.request.chunks = next->chunks;
    job.request.lane = next->lane;
    job.request.parallel = next->parallel;
    job.request.tiny = job.request.waits = false;
    job.request.more_rounds = next->more_rounds;
    job.request.released = kAllChunks;
  } else if (const auto* released = std::get_if<ChunksReleased>(&event)) {
    const auto found = jobs_.find(released->job);
    if (found == jobs_.end()) return;
    touch(released->job);
    std::uint32_t& known = found->second.request.released;
    known = std::max(known, released->upto);
  }
}

// The chunk that the slot works on has gone on for too long.
void World::time_out(SlotId slot, Nanoseconds now_ns) {
  const KnownSlot& known = slots_.at(slot);
  if (options_.chunk_timeout_ns == 0 || slot.lane == Lane::Inline) return;
  if (known.hand.empty() || known.since_ns + options_.chunk_timeout_ns > now_ns) return;
  const ChunkKey& key = known.hand.front();
  touch(key.job);
  fail(jobs_.at(key.job), key.chunk,
       Error(Errc::DeadlineExceeded, "chunk_timeout", ""));
}

void World::lose(KnownJob& job, std::uint32_t chunk, const SlotGone& event) {
  if (++job.losses_of_round >
      std::max<std::uint64_t>(options_.retries, (job.request.chunks + 9ULL) / 10)) {
    job.called_off = job.budget_spent = true;
    return;
  }
  const bool spent = ++job.losses[chunk] >= options_.attempts;
  const auto found = job.divisions.find(chunk);
  if (found == job.divisions.end()) {
    if (event.last_attempt || (spent && event.chunk_leaves < 2))
      return give_up(job, chunk, {0, event.chunk_leaves}, event.cause);
    if (spent)
      job.divisions[chunk] = {
          event.chunk_leaves, 0, std::bit_ceil(event.chunk_leaves) / 2, false, {}};
    return;
  }
  KnownDivision& division = found->second;
  // No leaf is to blame.
  if (event.chunk_leaves < 2)
    return give_up(job, chunk, {division.settled, division.leaves}, event.cause);
  const std::uint64_t size =
      std::min(division.most, division.leaves - division.settled);
  if (event.last_attempt || (size == 1 && division.leaf_lost))
    return give_up(job, chunk, {division.settled, division.settled + size},
                   event.cause);
  division.leaf_lost = size == 1;
  division.most = std::max<std::uint64_t>(std::bit_ceil(size) / 2, 1);
}

void World::give_up(KnownJob& job, std::uint32_t chunk, LeafRange leaves,
                    const Error& cause) {
  if (!job.request.partial || job.round > 0 || job.missing == kMostMissing)
    return fail(job, chunk, cause);
  ++job.missing;
  job.divisions[chunk].expected_missing = leaves;
}

void World::settle(KnownJob& job, std::uint32_t chunk, std::uint64_t upto) {
  KnownDivision& division = job.divisions.at(chunk);
  division.settled = upto;
  division.leaf_lost = false;
  // What follows is aligned to its own size, from the chunk's first leaf.
  division.most = upto == 0 ? 1 : upto & (~upto + 1);
  if (upto < division.leaves) return;
  EXPECT_TRUE(job.accepted.insert(chunk).second);
}

void World::take_out(SlotId slot, const ChunkKey& key) {
  const auto found = slots_.find(slot);
  if (found == slots_.end()) return;
  auto& hand = found->second.hand;
  const auto at = std::find(hand.begin(), hand.end(), key);
  if (at == hand.end()) return;
  hand.erase(at);
  found->second.since_ns = now_ns_;
  if (hand.empty()) give_core_back(found->second);
  if (slot.lane != Lane::Inline) waiting_.ended(key, slot, true, now_ns_);
  out_of_hand(slot, key);
}

void World::put_in(SlotId slot, const ChunkKey& key) {
  KnownJob& job = jobs_.at(key.job);
  slots_[slot].hand.push_back(key);
  EXPECT_TRUE(job.in_hand.insert(key.chunk).second)
      << "runs twice at once: " << name_of(key);
  ++job.slots[slot];
  if (slot.lane == Lane::Inline) return;
  for (const std::string& name : names_of(job.request)) ++held_tokens_[name];
}

void World::out_of_hand(SlotId slot, const ChunkKey& key) {
  KnownJob& job = jobs_.at(key.job);
  EXPECT_EQ(job.in_hand.erase(key.chunk), 1U);
  if (--job.slots.at(slot) == 0) job.slots.erase(slot);
  if (slot.lane == Lane::Inline) return;
  for (const std::string& name : names_of(job.request)) {
    EXPECT_GT(held_tokens_[name], 0U);
    --held_tokens_[name];
  }
}

void World::fail(KnownJob& job, std::uint32_t chunk, const Error& error) {
  if (job.ended || chunk >= job.limit) return;
  job.limit = chunk;
  job.failure = error;
}

bool World::holds(SlotId slot, const ChunkKey& key) const {
  const auto found = slots_.find(slot);
  if (found == slots_.end()) return false;
  const auto& hand = found->second.hand;
  return std::find(hand.begin(), hand.end(), key) != hand.end();
}

std::uint32_t World::slots_of(JobNumber job) const {
  const auto found = jobs_.find(job);
  if (found == jobs_.end()) return 0;
  return static_cast<std::uint32_t>(found->second.slots.size());
}

std::uint32_t World::holding(const std::string& token) const {
  const auto found = held_tokens_.find(token);
  return found == held_tokens_.end() ? 0 : found->second;
}

// --- actions ---

void World::see(const Action& action) {
  if (const auto* dispatch = std::get_if<Dispatch>(&action)) {
    see_dispatch(*dispatch);
  } else if (const auto* accept = std::get_if<Accept>(&action)) {
    see_accept(*accept);
  } else if (const auto* missing = std::get_if<Missing>(&action)) {
    see_missing(*missing);
  } else if (const auto* interrupt = std::get_if<Interrupt>(&action)) {
    const KnownJob& job = jobs_.at(interrupt->job);
    for (const ChunkKey& key : slots_.at(interrupt->slot).hand)
      EXPECT_TRUE(key.job != interrupt->job || job.called_off || key.chunk >= job.limit)
          << "a chunk that is needed was called off: " << text_of(action);
    EXPECT_GT(slots_.at(interrupt->slot).hand.size(), 0U);
  } else if (const auto* finish = std::get_if<Finish>(&action)) {
    see_finish(*finish);
  } else if (const auto* round = std::get_if<RoundDone>(&action)) {
    see_round_done(*round);
  }
}

void World::see_accept(const Accept& action) {
  KnownJob& job = jobs_.at(action.key.job);
  const std::uint32_t chunk = action.key.chunk;
  EXPECT_FALSE(job.accepted.contains(chunk)) << "accepted twice: " << text_of(action);
  EXPECT_EQ(action.part.has_value(), job.divisions.contains(chunk)) << text_of(action);
  if (action.part) {
    EXPECT_EQ(action.part->begin, job.divisions.at(chunk).settled) << text_of(action);
    settle(job, chunk, action.part->end);
  } else {
    job.accepted.insert(chunk);
  }
}

void World::see_missing(const Missing& action) {
  KnownJob& job = jobs_.at(action.job);
  KnownDivision& division = job.divisions[action.chunk];
  EXPECT_EQ(division.expected_missing, action.leaves) << text_of(action);
  division.expected_missing.reset();
  division.leaves = std::max(division.leaves, action.leaves.end);
  settle(job, action.chunk, action.leaves.end);
}

void World::see_round_done(const RoundDone& action) {
  KnownJob& job = jobs_.at(action.job);
  EXPECT_FALSE(job.ended || job.between_rounds) << text_of(action);
  EXPECT_TRUE(job.request.more_rounds && !job.failure) << text_of(action);
  EXPECT_EQ(job.accepted.size(), job.request.chunks);
  EXPECT_EQ(slots_of(action.job), 0U) << text_of(action);
  job.between_rounds = true;
  touch(action.job);
}

void World::see_dispatch(const Dispatch& action) {
  const ChunkKey& key = action.key;
  const KnownJob& job = jobs_.at(key.job);
  EXPECT_FALSE(job.ended || job.called_off || job.between_rounds) << text_of(action);
  EXPECT_EQ(key.round, job.round) << text_of(action);
  EXPECT_LT(key.chunk, job.limit) << text_of(action);
  EXPECT_TRUE(action.slot.lane == Lane::Inline || key.chunk < job.request.released)
      << text_of(action);
  EXPECT_FALSE(job.accepted.contains(key.chunk)) << text_of(action);
  EXPECT_EQ(action.slot.lane, job.request.lane);
  const auto division = job.divisions.find(key.chunk);
  if (division == job.divisions.end()) {
    EXPECT_FALSE(action.part.has_value()) << text_of(action);
  } else {
    const KnownDivision& known = division->second;
    EXPECT_FALSE(known.expected_missing.has_value()) << text_of(action);
    const LeafRange next{known.settled,
                         std::min(known.settled + known.most, known.leaves)};
    EXPECT_EQ(action.part, next) << text_of(action);
  }
  KnownSlot& slot = slots_[action.slot];
  if (action.slot.lane != Lane::Inline) {
    EXPECT_TRUE(slot.up) << text_of(action);
    const bool begins = dispatched_now_.insert(action.slot).second;
    EXPECT_EQ(begins, slot.hand.empty()) << text_of(action);
    for (const ChunkKey& other : slot.hand)
      EXPECT_TRUE(jobs_.at(other.job).request.tiny && job.request.tiny)
          << "shares a slot: " << text_of(action);
  }
  const bool first = slot.hand.empty();
  if (first) slot.since_ns = now_ns_;
  put_in(action.slot, key);
  touch(key.job);
  if (action.slot.lane != Lane::Inline) {
    if (first && !job.request.waits) take_core(action.slot);
    EXPECT_TRUE(job.request.waits || slot.core_until_ns) << text_of(action);
    count_waiting(jobs_.at(key.job));
    if (!wants_slot(job)) stands(key.job, job);
  }
  EXPECT_LE(slot.hand.size(), options_.batch);
  if (action.slot.lane == Lane::Inline) return;
  waiting_.served(key, job.request, action.slot, slot.core_until_ns.has_value(),
                  now_ns_);
  EXPECT_LE(slots_of(key.job), job.request.parallel) << text_of(action);
  for (const model::TokenLimit& limit : job.request.limits)
    EXPECT_LE(holding(limit.name), limit.count) << text_of(action);
}

void World::see_finish(const Finish& action) {
  KnownJob& job = jobs_.at(action.job);
  EXPECT_FALSE(job.ended) << "ended twice: " << action.job;
  touch(action.job);
  for (const std::string& name : names_of(job.request)) --named_tokens_[name];
  deadlines_.erase({job.request.deadline_ns, action.job});
  job.ended = true;
  job.error = action.error;
  stands(action.job, job);
  if (!action.error) {
    EXPECT_FALSE(job.failure.has_value() || job.request.more_rounds);
    EXPECT_EQ(job.accepted.size(), job.request.chunks);
  } else if (job.budget_spent) {
    EXPECT_EQ(action.error->code(), "retry_budget_spent");
  } else if (!job.called_off) {
    ASSERT_TRUE(job.failure.has_value());
    EXPECT_EQ(action.error->code(), job.failure->code());
    for (std::uint32_t chunk = 0; chunk < job.limit; ++chunk)
      EXPECT_TRUE(job.accepted.contains(chunk))
          << "failed before chunk " << chunk << " below the failure had ended";
  }
}

// --- the whole ---

// Some token of the job is short, or somebody else wants it, who may have come before.
bool World::held_up_by_tokens(const KnownJob& job) const {
  for (const model::TokenLimit& limit : job.request.limits) {
    if (holding(limit.name) >= limit.count) return true;
    if (named_tokens_.at(limit.name) > 1) return true;
  }
  return false;
}

void World::check() const {
  scheduler_.check_invariants();
  std::map<JobNumber, std::uint32_t> in_hand;
  std::set<Lane> idle;
  for (const auto& [slot, known] : slots_) {
    if (known.up && known.hand.empty()) idle.insert(slot.lane);
    for (const ChunkKey& key : known.hand) {
      const auto job = jobs_.find(key.job);
      if (job != jobs_.end() && !job->second.ended && key.chunk < job->second.limit)
        ++in_hand[key.job];
    }
  }
  std::uint64_t all_waiting = 0;
  for (const auto& [number, job] : jobs_) {
    if (job.ended) continue;
    const auto below = static_cast<std::uint32_t>(
        std::distance(job.accepted.begin(), job.accepted.lower_bound(job.limit)));
    const std::uint32_t waiting = job.limit - below - in_hand[number];
    all_waiting += waiting;
    const std::uint32_t released = std::min(job.limit, job.request.released);
    const auto settled = static_cast<std::uint32_t>(
        std::distance(job.accepted.begin(), job.accepted.lower_bound(released)));
    if (released == settled + in_hand[number] ||
        slots_of(number) >= job.request.parallel)
      continue;
    if (!job.request.waits && cores_in_use_ == options_.cores) continue;
    EXPECT_FALSE(idle.contains(job.request.lane) && !held_up_by_tokens(job))
        << "job " << number << " waits beside an idle slot";
  }
  EXPECT_EQ(scheduler_.waiting_chunks(), all_waiting);
}

Lines World::run_to_the_end() {
  Lines lines;
  const auto add = [&](const Lines& more) {
    lines.insert(lines.end(), more.begin(), more.end());
  };
  for (SlotNumber number = 0; number < 3; ++number) {
    add(ready(process(number)));
    add(ready(thread(number)));
  }
  for (const auto& [number, job] : jobs_)
    if (!job.ended && job.request.released != kAllChunks)
      add(feed(ChunksReleased{number, kAllChunks}));
  for (;;) {
    const auto busy = std::find_if(slots_.begin(), slots_.end(), [](const auto& entry) {
      return !entry.second.hand.empty();
    });
    if (busy == slots_.end()) {
      const auto between =
          std::find_if(jobs_.begin(), jobs_.end(), [](const auto& entry) {
            return entry.second.between_rounds && !entry.second.ended;
          });
      if (between == jobs_.end()) break;
      add(next_round(between->first, 1));
      continue;
    }
    const ChunkKey first = busy->second.hand.front();
    add(done(busy->first, first));
    check();
  }
  for (const auto& [number, job] : jobs_)
    EXPECT_TRUE(job.ended) << "job " << number << " never ended";
  EXPECT_EQ(scheduler_.jobs(), 0U);
  EXPECT_FALSE(scheduler_.next_deadline_ns().has_value());
  return lines;
}

}  // namespace tally::sched::test

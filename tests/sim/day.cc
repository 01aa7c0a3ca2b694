#include "tests/sim/day.h"

#include <algorithm>

namespace tally::sched::test {
namespace {

using exec::WorkerAction;
using exec::WorkerEvent;
using exec::WorkerState;

constexpr std::uint32_t kSessions = 12;
constexpr std::uint64_t kFullCheckEvery = 1000;
constexpr const char* kTokens[] = {"nas", "db", "gpu"};

}  // namespace

// Days differ: of few workers and many, of one user and several, of few cores and many.
Day::Day(std::uint64_t seed) : random_(seed), world_(options()) {
  world_.forget_ended();
  users_ = 1 + below(8);
  most_jobs_ = 8 + below(200);
  const std::uint32_t processes = 2 + below(40);
  const std::uint32_t threads = 1 + below(8);
  for (SlotNumber i = 0; i < processes; ++i) slots_.push_back(process(i));
  for (SlotNumber i = 0; i < threads; ++i) slots_.push_back(thread(i));
  for (const SlotId slot : slots_) fork(slot, workers_[slot]);
  later(0, What::Arrival);
}

SchedulerOptions Day::options() {
  SchedulerOptions options;
  options.cores = 1 + below(6);
  options.retries = one_in(2) ? 1000 : 4 + below(8);
  if (one_in(2)) options.chunk_timeout_ns = us(100'000, 1'000'000);
  return options;
}

void Day::later(Nanoseconds delay_ns, What what, SlotId slot, std::uint64_t life,
                ChunkKey key) {
  happenings_.push({now_ns_ + delay_ns, next_turn_++, what, slot, life, key});
}

void Day::live(std::uint64_t events) {
  while (!happenings_.empty() && !::testing::Test::HasFailure()) {
    closing_ = closing_ || counts_.events >= events;
    if (!closing_ && one_in(40)) mischief();
    const Happening next = happenings_.top();
    happenings_.pop();
    now_ns_ = std::max(now_ns_, next.at_ns);
    if (const auto deadline = world_.scheduler().next_deadline_ns())
      if (*deadline <= now_ns_) feed(TimePassed{now_ns_});
    happen(next);
  }
  if (::testing::Test::HasFailure()) return;
  world_.check();
  EXPECT_TRUE(jobs_.empty()) << "job " << jobs_.begin()->first << " never ended";
  EXPECT_TRUE(world_.jobs().empty());
  EXPECT_EQ(world_.scheduler().jobs(), 0U);
  EXPECT_EQ(world_.scheduler().waiting_chunks(), 0U);
  EXPECT_TRUE(world_.scheduler().tokens().empty());
  EXPECT_EQ(world_.scheduler().cores_in_use(), 0U);
}

// --- the scheduler ---

void Day::feed(Event event) {
  events_.push_back(std::move(event));
  if (feeding_) return;
  feeding_ = true;
  while (!events_.empty()) {
    const Event next = std::move(events_.front());
    events_.pop_front();
    for (const Action& action : world_.observe(next, now_ns_)) carry_out(action);
    if (++counts_.events % kFullCheckEvery == 0) world_.check();
  }
  feeding_ = false;
}

void Day::carry_out(const Action& action) {
  if (const auto* dispatch = std::get_if<Dispatch>(&action)) {
    dispatched(*dispatch);
  } else if (const auto* accept = std::get_if<Accept>(&action)) {
    accepted(*accept);
  } else if (const auto* missing = std::get_if<Missing>(&action)) {
    left_out(*missing);
  } else if (const auto* interrupt = std::get_if<Interrupt>(&action)) {
    workers_.at(interrupt->slot).interrupted.insert(interrupt->job);
  } else if (const auto* round = std::get_if<RoundDone>(&action)) {
    later(us(1, 500), What::NextRound, {}, 0, {round->job, 0, 0, 0});
  } else if (const auto* finish = std::get_if<Finish>(&action)) {
    finished(*finish);
  } else if (std::holds_alternative<Retried>(action)) {
    ++counts_.retried;
  } else if (std::holds_alternative<Drop>(action)) {
    ++counts_.dropped;
  }
}

void Day::dispatched(const Dispatch& action) {
  if (action.part) jobs_.at(action.key.job).divided.insert(action.key.chunk);
  if (action.slot.lane == Lane::Inline) {
    if (one_in(50))
      feed(ChunkFailed{action.slot, action.key, bad_cell(action.key.chunk)});
    else
      feed(ChunkDone{action.slot, action.key});
    return;
  }
  Worker& worker = workers_.at(action.slot);
  // It is on its way out, and the scheduler will hear of it next.
  if (worker.state == WorkerState::Stopping) return;
  worker.hand.push_back({action.key, action.part});
  if (worker.hand.size() > 1) return;
  EXPECT_EQ(move(worker, WorkerEvent::Assigned), WorkerAction::None);
  worker.interrupted.clear();
  begin_next(action.slot, worker);
}

// A chunk that was never divided is missing as a whole.
void Day::left_out(const Missing& action) {
  SimJob& job = jobs_.at(action.job);
  job.missing += job.divided.contains(action.chunk)
                     ? action.leaves.end - action.leaves.begin
                     : job.leaves;
}

void Day::accepted(const Accept& action) {
  SimJob& job = jobs_.at(action.key.job);
  if (action.part) ++counts_.divided;
  if (action.key.round > 0) return;
  job.covered += action.part ? action.part->end - action.part->begin : job.leaves;
  EXPECT_LE(job.covered + job.missing, job.leaves * job.chunks);
}

void Day::finished(const Finish& action) {
  const auto found = jobs_.find(action.job);
  ASSERT_NE(found, jobs_.end());
  const SimJob& job = found->second;
  if (!action.error) {
    EXPECT_EQ(job.covered + job.missing, job.leaves * job.chunks);
    ++counts_.done;
    counts_.rounds += job.round;
    counts_.partial += job.missing > 0 ? 1 : 0;
  } else if (action.error->code() == "chunk_timeout") {
    ++counts_.timed_out;
  } else if (action.error->code() == "retry_budget_spent") {
    ++counts_.budget_spent;
  } else if (action.error->errc() == Errc::Cancelled ||
             action.error->errc() == Errc::DeadlineExceeded) {
    ++counts_.called_off;
  } else {
    ++counts_.failed;
    counts_.too_partial += action.error->field("missing") != nullptr ? 1 : 0;
  }
  sessions_[job.session].erase(action.job);
  jobs_.erase(found);
}

// --- what happens ---

void Day::happen(const Happening& what) {
  switch (what.what) {
    case What::Arrival: return arrive();
    case What::Repeated: return repeat(what.slot, what.key);
    case What::Released: return release(what.key.job);
    case What::NextRound: return next_round(what.key.job);
    case What::Started:
    case What::Answer:
    case What::Timeout:
    case What::Exit: break;
  }
  Worker& worker = workers_.at(what.slot);
  if (worker.life != what.life) return;
  if (what.what == What::Started) {
    const WorkerAction action = move(worker, WorkerEvent::Ready);
    if (action == WorkerAction::Offer) feed(SlotReady{what.slot});
  } else if (what.what == What::Answer) {
    answer(what.slot, worker);
  } else if (what.what == What::Timeout) {
    if (move(worker, WorkerEvent::Timeout) == WorkerAction::Kill)
      later(us(10, 2000), What::Exit, what.slot, worker.life);
  } else {
    die(what.slot, worker, true);
  }
}

void Day::arrive() {
  if (closing_) return;
  later(us(10, 4000), What::Arrival);
  // Fewer at night: lines must empty too.
  const bool night = now_ns_ / 5'000'000'000 % 4 == 3;
  const std::size_t most = night ? 2 : most_jobs_;
  for (std::uint32_t i = below(8); i > 0 && jobs_.size() < most; --i) submit();
}

void Day::submit() {
  JobRequest request = job_of(next_job_++, one_in(20) ? below(60) : below(10));
  request.parallel = 1 + below(8);
  request.tiny = one_in(3);
  request.lane = one_in(8) ? Lane::Inline : one_in(4) ? Lane::Thread : Lane::Process;
  if (request.lane == Lane::Inline) request.chunks = below(3);
  request.more_rounds = one_in(4);
  request.partial = one_in(3);
  request.waits = one_in(4);
  request.priority = static_cast<std::int32_t>(below(4)) - 1;
  if (one_in(6)) request.deadline_ns = now_ns_ + us(100, 2'000'000);
  for (const char* name : kTokens)
    if (one_in(10)) request.limits.push_back({name, 1 + below(6)});
  if (one_in(5)) {
    request.released = 0;
    later(us(1, 20'000), What::Released, {}, 0, {request.job, 0, 0, 0});
  }
  SimJob job;
  job.session = below(kSessions);
  job.chunks = request.chunks;
  request.uid = job.session % users_;
  if (!request.tiny && request.lane != Lane::Inline) job.leaves = 1 + below(16);
  // Few poison leaves as a rule; now and then more than a partial job may leave out.
  const std::uint32_t poison = one_in(500) ? 150 : one_in(15) ? 1 + below(3) : 0;
  if (request.chunks > 0)
    for (std::uint32_t i = 0; i < poison; ++i)
      job.poison.insert(
          {below(request.chunks), below(static_cast<std::uint32_t>(job.leaves))});
  sessions_[job.session].insert(request.job);
  jobs_.emplace(request.job, std::move(job));
  ++counts_.jobs;
  feed(Submitted{request});
}

// The worker's verdict on the first chunk in its hand.
void Day::answer(SlotId slot, Worker& worker) {
  if (worker.hand.empty() || worker.stalled || worker.state == WorkerState::Killing)
    return;
  const auto [key, part] = worker.hand.front();
  const auto job = jobs_.find(key.job);
  if (job != jobs_.end() && key.round == 0 && !worker.interrupted.contains(key.job)) {
    const LeafRange leaves = part.value_or(LeafRange{0, job->second.leaves});
    const auto killer = job->second.poison.lower_bound({key.chunk, leaves.begin});
    if (killer != job->second.poison.end() && killer->first == key.chunk &&
        killer->second < leaves.end)
      return die(slot, worker, true);
  }
  worker.hand.pop_front();
  // The worker is done before the scheduler hears of it and gives it more.
  bool leaves = false;
  if (worker.hand.empty()) {
    const WorkerAction action = move(worker, WorkerEvent::Finished);
    leaves = action == WorkerAction::AskToStop;
    EXPECT_TRUE(leaves || action == WorkerAction::Offer);
  } else {
    begin_next(slot, worker);
  }
  if (one_in(30)) later(us(1, 100'000), What::Repeated, slot, 0, key);
  if (worker.interrupted.contains(key.job))
    feed(ChunkFailed{slot, key, stopped()});
  else if (one_in(600))
    feed(ChunkFailed{slot, key, bad_cell(key.chunk)});
  else
    feed(ChunkDone{slot, key});
  if (!leaves) return;
  withdraw(slot, worker, false);
  later(us(10, 2000), What::Exit, slot, worker.life);
}

void Day::repeat(SlotId slot, const ChunkKey& key) {
  if (world_.holds(slot, key)) return;
  if (one_in(4))
    feed(ChunkFailed{slot, key, bad_cell(key.chunk)});
  else
    feed(ChunkDone{slot, key});
}

void Day::release(JobNumber number) {
  const auto job = world_.jobs().find(number);
  if (job == world_.jobs().end() || job->second.ended) return;
  const JobRequest& request = job->second.request;
  if (request.released >= request.chunks) return;
  later(us(1, 20'000), What::Released, {}, 0, {number, 0, 0, 0});
  feed(ChunksReleased{number, request.released + 1 + below(4)});
}

void Day::next_round(JobNumber number) {
  const auto job = jobs_.find(number);
  if (job == jobs_.end()) return;
  ++job->second.round;
  const Lane lane = one_in(3) ? Lane::Thread : Lane::Process;
  feed(NextRound{number, lane, below(5), 1 + below(4), one_in(4)});
}

// --- workers ---

WorkerAction Day::move(Worker& worker, WorkerEvent event) {
  const exec::Transition to = on_event(worker.state, event);
  EXPECT_NE(to.action, WorkerAction::Reject)
      << exec::name_of(event) << " while " << exec::name_of(worker.state);
  worker.state = to.next;
  return to.action;
}

void Day::fork(SlotId slot, Worker& worker) {
  move(worker, WorkerEvent::Forked);
  ++worker.life;
  worker.hand.clear();
  worker.interrupted.clear();
  worker.stalled = worker.withdrawn = false;
  later(us(200, 5000), What::Started, slot, worker.life);
}

void Day::begin_next(SlotId slot, Worker& worker) {
  if (one_in(4000)) {
    worker.stalled = true;
    const Nanoseconds patience = one_in(2) ? 2 * kCoreLease : us(100'000, 300'000);
    later(patience, What::Timeout, slot, worker.life);
    return;
  }
  Nanoseconds takes = us(20, 8000);
  if (one_in(300)) takes *= 50;
  later(takes, What::Answer, slot, worker.life);
}

// Whatever it was doing; what it had in hand is lost.
void Day::die(SlotId slot, Worker& worker, bool spends_attempt) {
  ++counts_.deaths;
  if (!worker.hand.empty() && one_in(4))
    later(us(1, 50'000), What::Repeated, slot, 0, worker.hand.front().key);
  const WorkerAction action = move(worker, WorkerEvent::Exited);
  EXPECT_TRUE(action == WorkerAction::Recover || action == WorkerAction::Retire);
  if (!worker.withdrawn) withdraw(slot, worker, spends_attempt);
  fork(slot, worker);
}

void Day::withdraw(SlotId slot, Worker& worker, bool spends_attempt) {
  worker.withdrawn = true;
  SlotGone event{slot, std::nullopt, spends_attempt, killed(), false, 1};
  if (!worker.hand.empty()) {
    const ChunkKey key = worker.hand.front().key;
    event.running = key;
    event.last_attempt = worker.stalled && one_in(2);
    const auto job = jobs_.find(key.job);
    // No leaf is to blame for a stall.
    if (job != jobs_.end() && key.round == 0 && !worker.stalled)
      event.chunk_leaves = job->second.leaves;
  }
  worker.hand.clear();
  feed(std::move(event));
}

// A worker that is idle leaves at once, one that works when it has finished.
void Day::recycle(SlotId slot, Worker& worker) {
  if (worker.state != WorkerState::Idle && worker.state != WorkerState::Busy) return;
  ++counts_.recycled;
  if (move(worker, WorkerEvent::Stop) != WorkerAction::AskToStop) return;
  withdraw(slot, worker, false);
  later(us(10, 2000), What::Exit, slot, worker.life);
}

// --- mischief ---

SlotId Day::any_slot() {
  return slots_[below(static_cast<std::uint32_t>(slots_.size()))];
}

JobNumber Day::any_job() {
  const auto least = jobs_.empty() ? next_job_ : jobs_.begin()->first;
  const JobNumber number =
      least + below(static_cast<std::uint32_t>(next_job_ - least) + 2);
  return number;
}

void Day::mischief() {
  const std::uint32_t what = below(100);
  const SlotId slot = any_slot();
  Worker& worker = workers_.at(slot);
  if (what < 35) {
    lie();
  } else if (what < 55) {
    if (worker.state != WorkerState::Dead) die(slot, worker, true);
  } else if (what < 70) {
    recycle(slot, worker);
  } else if (what < 85) {
    feed(CancelRequested{any_job(), stopped()});
  } else if (what < 88) {
    disconnect(below(kSessions));
  } else if (what == 88) {
    // The zygote takes its workers along, which is no chunk's fault.
    for (auto& [one, other] : workers_)
      if (one.lane == Lane::Process) die(one, other, false);
  } else if (what < 92) {
    if (world_.slots().contains(slot) && world_.slots().at(slot).up)
      feed(SlotReady{slot});
  } else if (what < 94) {
    feed(SlotGone{process(9999), std::nullopt, true, killed(), false, 1});
  } else if (what < 97) {
    const auto job = world_.jobs().find(any_job());
    if (job != world_.jobs().end() && job->second.between_rounds) return;
    feed(NextRound{any_job() + 1'000'000'000, Lane::Process, 3, 1, false});
  } else {
    feed(ChunksReleased{any_job(), below(20)});
  }
}

// Of all it had, at once.
void Day::disconnect(std::uint32_t session) {
  ++counts_.disconnects;
  const std::set<JobNumber> jobs = sessions_[session];
  for (const JobNumber job : jobs) feed(CancelRequested{job, stopped()});
}

// An answer that nobody asked for.
void Day::lie() {
  const ChunkKey key{any_job(), below(2), below(12), 1 + below(4)};
  const SlotId slot = one_in(8) ? kInline : one_in(8) ? process(9999) : any_slot();
  repeat(slot, key);
}

}  // namespace tally::sched::test

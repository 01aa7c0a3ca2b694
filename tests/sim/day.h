// Day: the scheduler and the worker table in an invented world, in virtual time.
//
// Sessions of several users submit jobs of every kind, cancel them and disconnect.
// Workers start, answer late, twice or never, fail, stall and are killed; some jobs
// hold leaves that kill whoever reads them; workers are recycled, and the zygote takes
// all of them along. Answers of the dead arrive, and answers that nobody was asked for.
//
// Every event goes through World (tests/unit/runtime/sched/world.h), which believes
// nothing of what the scheduler says; every move of a worker is on_event()'s
// (runtime/exec/process/worker_state.h). Beside that, each job's leaves are counted:
// when it ends well, what was accepted and what is missing is all of them, once. At the
// end of the day nobody has a core.
//
// The same seed and number of events make the same day.
#pragma once

#include <cstdint>
#include <deque>
#include <map>
#include <queue>
#include <random>
#include <set>
#include <utility>
#include <vector>

#include "runtime/exec/process/worker_state.h"
#include "tests/unit/runtime/sched/world.h"

namespace tally::sched::test {

class Day {
 public:
  struct Counts {
    std::uint64_t events = 0;
    std::uint64_t jobs = 0;
    std::uint64_t done = 0;
    std::uint64_t failed = 0;
    std::uint64_t called_off = 0;
    std::uint64_t rounds = 0;
    std::uint64_t partial = 0;      // done, but with leaves missing
    std::uint64_t too_partial = 0;  // failed, for more was missing than may be
    std::uint64_t divided = 0;      // parts of chunks accepted
    std::uint64_t retried = 0;
    std::uint64_t dropped = 0;
    std::uint64_t deaths = 0;        // of workers
    std::uint64_t timed_out = 0;     // jobs: a chunk went on for too long
    std::uint64_t budget_spent = 0;  // jobs
    std::uint64_t recycled = 0;
    std::uint64_t disconnects = 0;
  };

  explicit Day(std::uint64_t seed);

  // Until so many events were seen, then to the end of every job, or to the first
  // expectation that fails.
  void live(std::uint64_t events);

  const Counts& counts() const { return counts_; }
  const World& world() const { return world_; }
  std::uint32_t users() const { return users_; }

 private:
  enum class What : std::uint8_t {
    Arrival,
    Started,   // the worker can take chunks
    Answer,    // of the worker, for the first chunk in its hand
    Timeout,   // the supervisor's patience with the worker ends
    Exit,      // the worker is reaped
    Repeated,  // an outcome that came before, or of one who died, comes (again)
    Released,  // input arrives
    NextRound
  };
  struct Happening {
    Nanoseconds at_ns = 0;
    std::uint64_t turn = 0;  // first made, first to happen at the same time
    What what = What::Arrival;
    SlotId slot;
    std::uint64_t life = 0;  // of the worker it is about; later ones are not concerned
    ChunkKey key;            // or key.job alone
    bool operator>(const Happening& other) const {
      return std::pair(at_ns, turn) > std::pair(other.at_ns, other.turn);
    }
  };
  struct InHand {
    ChunkKey key;
    std::optional<LeafRange> part;
  };
  struct Worker {
    exec::WorkerState state = exec::WorkerState::Dead;
    std::uint64_t life = 0;
    std::deque<InHand> hand;
    std::set<JobNumber> interrupted;
    bool stalled = false;
    bool withdrawn = false;  // the scheduler was told that it is gone
  };
  struct SimJob {
    std::uint32_t session = 0;
    std::uint64_t leaves = 1;  // of each chunk of the first round
    std::uint32_t chunks = 0;
    std::set<std::pair<std::uint32_t, std::uint64_t>> poison;  // chunk and leaf
    std::set<std::uint32_t> divided;                           // chunks
    std::uint64_t covered = 0;
    std::uint64_t missing = 0;
    std::uint32_t round = 0;
  };

  std::uint32_t below(std::uint32_t bound) {
    return static_cast<std::uint32_t>(random_() % bound);
  }
  bool one_in(std::uint32_t bound) { return below(bound) == 0; }
  Nanoseconds us(std::uint32_t least, std::uint32_t most) {
    return Nanoseconds{1000} * (least + below(most - least + 1));
  }
  SchedulerOptions options();
  void later(Nanoseconds delay_ns, What what, SlotId slot = {}, std::uint64_t life = 0,
             ChunkKey key = {});

  void feed(Event event);
  void carry_out(const Action& action);
  void dispatched(const Dispatch& action);
  void left_out(const Missing& action);
  void accepted(const Accept& action);
  void finished(const Finish& action);

  void happen(const Happening& what);
  void arrive();
  void submit();
  void answer(SlotId slot, Worker& worker);
  void repeat(SlotId slot, const ChunkKey& key);
  void release(JobNumber job);
  void next_round(JobNumber job);

  exec::WorkerAction move(Worker& worker, exec::WorkerEvent event);
  void fork(SlotId slot, Worker& worker);
  void begin_next(SlotId slot, Worker& worker);
  void die(SlotId slot, Worker& worker, bool spends_attempt);
  void withdraw(SlotId slot, Worker& worker, bool spends_attempt);
  void recycle(SlotId slot, Worker& worker);

  void mischief();
  void disconnect(std::uint32_t session);
  void lie();
  SlotId any_slot();
  JobNumber any_job();

  std::mt19937_64 random_;
  World world_;
  Counts counts_;
  Nanoseconds now_ns_ = 1;
  std::priority_queue<Happening, std::vector<Happening>, std::greater<>> happenings_;
  std::uint64_t next_turn_ = 0;
  std::deque<Event> events_;
  bool feeding_ = false;
  bool closing_ = false;  // no more jobs, no more mischief
  std::vector<SlotId> slots_;
  std::map<SlotId, Worker> workers_;
  std::map<JobNumber, SimJob> jobs_;
  std::map<std::uint32_t, std::set<JobNumber>> sessions_;
  JobNumber next_job_ = 1;
  std::uint32_t users_ = 1;
  std::uint32_t most_jobs_ = 1;
};

}  // namespace tally::sched::test

// Tokens: who holds what the scheduler lends out by name, and who waits for it.
//
// A job that names tokens holds one of each for every chunk of it that is in hand,
// until that chunk is settled, even if the job has ended meanwhile. take() grants them
// only while, for each of the job's names, fewer chunks hold that token than the job's
// own count for it.
//
// First come, first served: a job that cannot have all of its tokens stands in the line
// of each of them, under one ticket. It goes when it is first in all of its lines and
// all have room, so the job that came first of all can always go once tokens come back,
// and nobody waits for ever. While a line has anyone in it, others stand behind.
//
// Cost: a few lookups in tables an event, for the names of one job and of those called;
// never for all who wait. Pure, like the scheduler; total: unknown jobs hold nothing.
#pragma once

#include <cstdint>
#include <deque>
#include <map>
#include <optional>
#include <string>
#include <unordered_map>
#include <vector>

#include "ipc/model/server_status.h"
#include "ipc/model/token_limit.h"

namespace tally::sched {

class Tokens {
 public:
  using JobNumber = std::uint64_t;

  // The job names these from now on.
  void add(JobNumber job, const std::vector<model::TokenLimit>& limits);
  // The job has ended: it waits no longer; what its chunks hold comes back one by one.
  void remove(JobNumber job);

  // For one more chunk of the job. False: it stands in line now, or still.
  bool take(JobNumber job);
  // One of its chunks was settled.
  void give_back(JobNumber job);
  // The job has no chunk left that could use them.
  void leave_line(JobNumber job);

  // Whether the job stands in line and was not called.
  bool held_up(JobNumber job) const;
  // A job whose turn has come, each time once: its next take() will succeed. It keeps
  // its place until then.
  std::optional<JobNumber> next_called();

  // Those in use or waited for, by name.
  std::vector<model::TokenStatus> uses() const;

  // Aborts if any invariant is broken; for tests. `chunks`: of each job, those in hand.
  void check_invariants(const std::map<JobNumber, std::uint32_t>& chunks) const;

 private:
  using Ticket = std::uint64_t;
  struct Token {
    std::uint32_t in_use = 0;
    std::uint32_t named_by = 0;        // holders
    std::map<Ticket, JobNumber> line;  // oldest first
  };
  using Table = std::map<std::string, Token>;
  struct Need {
    Table::iterator token;
    std::uint32_t count = 1;
  };
  struct Holder {
    std::vector<Need> needs;
    std::uint32_t chunks = 0;  // that hold one of each
    bool ended = false;
    bool called = false;
    std::optional<Ticket> ticket;
  };
  using Holders = std::unordered_map<JobNumber, Holder>;

  static bool may_go(const Holder& holder);
  void step_out(Holder& holder);
  void call_next(const Holder& after);
  void forget_if_done(Holders::iterator holder);

  Table tokens_;
  Holders holders_;
  std::deque<JobNumber> called_;
  Ticket next_ticket_ = 0;
};

}  // namespace tally::sched

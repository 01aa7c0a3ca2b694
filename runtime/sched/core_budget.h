// CoreBudget: which slots work on a core, threads and worker processes together.
//
// A slot whose chunks compute takes a core when it is given them and gives it back when
// the last one has left its hand; chunks that wait for their input need none. There are
// never more out than there are cores.
//
// Lanes take turns: a core that both could use goes to the one that did not have the
// last one. So a lane waits for one core of the other's at most.
//
// A lease ends after kCoreLease: a chunk that takes longer is taken for one that waits.
// A thread that hangs in a read, which nobody can kill, would else keep its core from
// everybody for ever. Pure.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <set>
#include <utility>

#include "ipc/base/clock.h"
#include "runtime/sched/slot_id.h"

namespace tally::sched {

inline constexpr Nanoseconds kCoreLease = 5'000'000'000;

class CoreBudget {
 public:
  explicit CoreBudget(std::uint32_t cores) : cores_(cores) {}

  bool has_room() const { return ends_.size() < cores_; }
  std::uint32_t in_use() const { return static_cast<std::uint32_t>(ends_.size()); }
  // Precondition: there is room, and the slot has none.
  void take(SlotId slot, Nanoseconds now_ns);
  // Nothing if the slot has none (any more).
  void give_back(SlotId slot);
  // The lane that is first if both could use a core.
  Lane next_lane() const { return next_lane_; }

  // When the first lease ends; none if no core is out.
  std::optional<Nanoseconds> next_end_ns() const;
  void end_leases(Nanoseconds now_ns);

  // Aborts if any invariant is broken; for tests.
  void check_invariants() const;

 private:
  const std::uint32_t cores_;
  std::map<SlotId, Nanoseconds> ends_;  // of the leases
  std::set<std::pair<Nanoseconds, SlotId>> order_;
  Lane next_lane_ = Lane::Thread;
};

}  // namespace tally::sched

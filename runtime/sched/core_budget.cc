#include "runtime/sched/core_budget.h"

#include "ipc/base/check.h"

namespace tally::sched {

void CoreBudget::take(SlotId slot, Nanoseconds now_ns) {
  const Nanoseconds end_ns = now_ns + kCoreLease;
  ends_.emplace(slot, end_ns);
  order_.emplace(end_ns, slot);
  next_lane_ = slot.lane == Lane::Thread ? Lane::Process : Lane::Thread;
}

void CoreBudget::give_back(SlotId slot) {
  const auto found = ends_.find(slot);
  if (found == ends_.end()) return;
  order_.erase({found->second, slot});
  ends_.erase(found);
}

std::optional<Nanoseconds> CoreBudget::next_end_ns() const {
  if (order_.empty()) return std::nullopt;
  return order_.begin()->first;
}

void CoreBudget::end_leases(Nanoseconds now_ns) {
  while (!order_.empty() && order_.begin()->first <= now_ns)
    give_back(SlotId(order_.begin()->second));
}

void CoreBudget::check_invariants() const {
  TALLY_CHECK(ends_.size() == order_.size() && ends_.size() <= cores_);
  for (const auto& [slot, end_ns] : ends_)
    TALLY_CHECK(slot.lane != Lane::Inline && order_.contains({end_ns, slot}));
}

}  // namespace tally::sched

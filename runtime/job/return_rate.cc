#include "runtime/job/return_rate.h"

#include <algorithm>
#include <cmath>

namespace tally::job {

void ReturnRate::began(Nanoseconds now_ns) {
  began_ns_ = now_ns;
  folded_ns_ = now_ns;
  folded_ = 0.0;
  unfolded_ = 0;
}

void ReturnRate::fold(Nanoseconds now_ns) {
  const auto elapsed = static_cast<double>(now_ns - folded_ns_);
  folded_ = folded_ * std::exp(-elapsed / kMemory) + static_cast<double>(unfolded_);
  folded_ns_ = now_ns;
  unfolded_ = 0;
}

Nanoseconds ReturnRate::wait_for(std::uint64_t amount, Nanoseconds now_ns) const {
  ReturnRate upto = *this;
  upto.fold(now_ns);
  const auto held_for = static_cast<double>(now_ns - began_ns_);
  double wait = held_for;
  // The span that the weights add up to: all of it at first, kMemory in the long run.
  const double span = kMemory * -std::expm1(-held_for / kMemory);
  if (upto.folded_ > 0.0) wait = static_cast<double>(amount) * span / upto.folded_;
  return static_cast<Nanoseconds>(
      std::clamp<double>(wait, kShortestWait, kLongestWait));
}

}  // namespace tally::job

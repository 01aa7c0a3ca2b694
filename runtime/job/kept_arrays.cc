#include "runtime/job/kept_arrays.h"

#include <algorithm>

namespace tally::job {

KeptArrays::Number KeptArrays::use(std::uint64_t session, const MemoryObject& object,
                                   Nanoseconds now_ns) {
  if (object.bytes < kLeastBytes) return 0;
  const Key key{session, object.device, object.inode};
  const auto found = known_.find(key);
  if (found == known_.end()) {
    // Where very many are passed, none is worth it.
    if (known_.size() < kMostKnown)
      known_[key] = {0, object.bytes, 0, 0, now_ns, false};
    return 0;
  }
  Known& known = found->second;
  known.used_ns = now_ns;
  if (known.number == 0) {
    if (object.bytes > most_bytes_ - std::min(most_bytes_, bytes_)) return 0;
    known.number = next_++;
    known.bytes = object.bytes;
    known.kept_since_ns = now_ns;
    bytes_ += known.bytes;
    by_number_[known.number] = key;
  }
  ++known.jobs;
  return known.number;
}

void KeptArrays::done(Number number, Nanoseconds now_ns) {
  const auto found = by_number_.find(number);
  if (found == by_number_.end()) return;
  Known& known = known_.at(found->second);
  --known.jobs;
  known.used_ns = now_ns;
}

Nanoseconds KeptArrays::end_ns(const Known& known) {
  if (known.abandoned) return 0;
  const Nanoseconds unused = known.used_ns + kUnused;
  return known.number == 0 ? unused : std::min(unused, known.kept_since_ns + kOldest);
}

KeptArrays::Place KeptArrays::erase(Place place, std::vector<Number>& forgotten) {
  const Known& known = place->second;
  if (known.number != 0) {
    forgotten.push_back(known.number);
    bytes_ -= known.bytes;
    by_number_.erase(known.number);
  }
  return known_.erase(place);
}

std::vector<KeptArrays::Number> KeptArrays::session_ended(std::uint64_t session) {
  std::vector<Number> forgotten;
  auto at = known_.lower_bound({session, 0, 0});
  while (at != known_.end() && at->first.session == session) {
    at->second.abandoned = true;
    at = at->second.jobs == 0 ? erase(at, forgotten) : std::next(at);
  }
  return forgotten;
}

std::vector<KeptArrays::Number> KeptArrays::expire(Nanoseconds now_ns) {
  std::vector<Number> forgotten;
  for (auto at = known_.begin(); at != known_.end();) {
    const bool over = at->second.jobs == 0 && end_ns(at->second) <= now_ns;
    at = over ? erase(at, forgotten) : std::next(at);
  }
  return forgotten;
}

}  // namespace tally::job

// Division: a chunk that was lost too often, worked off in parts until what kills its
// slots is known to the leaf.
//
// Its work list begins as the chunk's two halves and is gone through from left to
// right, one part at a time: a part that succeeds is settled, a part that is lost is
// divided in its turn. A single leaf is poison once it was lost twice: once may have
// been the slot's fault. So one poison leaf among n costs about log2(n) + 2 losses.
//
// Halves are aligned to powers of two from the chunk's first leaf, as merge trees are.
#pragma once

#include <cstdint>
#include <vector>

#include "ipc/model/chunk_task.h"

namespace tally::sched {

using model::LeafRange;

class Division {
 public:
  explicit Division(std::uint64_t leaves);  // at least 2

  // The part to run, or that is running.
  LeafRange next() const { return left_.back(); }
  // next() was lost: it is divided, or runs once more. False: it is poison.
  bool lost();
  // All that was not settled yet.
  LeafRange rest() const { return {left_.back().begin, left_.front().end}; }
  // next() needs no more work. False: there is no other.
  bool settled();

 private:
  void divide(LeafRange range);

  std::vector<LeafRange> left_;  // the next one last
  bool leaf_lost_ = false;       // next() is a single leaf that was lost once
};

}  // namespace tally::sched

// StateTree: merges states that come in order along the fixed tree
// (merge/merge_tree.h): left with right, an only child passes up. How many will come
// need not be known. A state may stand for a whole subtree; where states are left out,
// what lies below the next one's level is merged before it comes.
#pragma once

#include <utility>
#include <vector>

#include "runtime/kernel/kernel.h"

namespace tally::kernels {

class StateTree {
 public:
  // `kernel` must outlive it.
  explicit StateTree(Kernel& kernel) : kernel_(kernel) {}

  Result<void> push(KernelState state, unsigned level = 0) {
    if (Result<void> closed = close_below(level); !closed) return closed;
    while (!waiting_.empty() && waiting_.back().first == level) {
      if (Result<void> merged = kernel_.merge(waiting_.back().second, state); !merged)
        return merged;
      state = pop();
      ++level;
    }
    waiting_.emplace_back(level, std::move(state));
    return {};
  }

  // The whole tree's state, and an empty tree; an empty state if nothing came.
  Result<KernelState> take() {
    if (waiting_.empty()) return kernel_.make_state();
    KernelState state = pop();
    while (!waiting_.empty()) {
      if (Result<void> merged = kernel_.merge(waiting_.back().second, state); !merged)
        return std::move(merged).error();
      state = pop();
    }
    return state;
  }

 private:
  // The subtree before a larger one has ended: its rest is an only child.
  Result<void> close_below(unsigned level) {
    while (!waiting_.empty() && waiting_.back().first < level) {
      KernelState state = pop();
      if (waiting_.empty() || waiting_.back().first >= level)
        return push(std::move(state), level);
      if (Result<void> merged = kernel_.merge(waiting_.back().second, state); !merged)
        return merged;
    }
    return {};
  }

  KernelState pop() {
    KernelState state = std::move(waiting_.back().second);
    waiting_.pop_back();
    return state;
  }

  Kernel& kernel_;
  std::vector<std::pair<unsigned, KernelState>> waiting_;  // levels descend
};

}  // namespace tally::kernels

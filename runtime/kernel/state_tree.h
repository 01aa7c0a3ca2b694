// StateTree: merges states that come in order along the fixed tree
// (merge/merge_tree.h): left with right, an only child passes up. How many will come
// need not be known.
#pragma once

#include <utility>
#include <vector>

#include "runtime/kernel/kernel.h"

namespace tally::kernels {

class StateTree {
 public:
  // `kernel` must outlive it.
  explicit StateTree(Kernel& kernel) : kernel_(kernel) {}

  Result<void> push(KernelState state) {
    unsigned level = 0;
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
  KernelState pop() {
    KernelState state = std::move(waiting_.back().second);
    waiting_.pop_back();
    return state;
  }

  Kernel& kernel_;
  std::vector<std::pair<unsigned, KernelState>> waiting_;  // levels descend
};

}  // namespace tally::kernels

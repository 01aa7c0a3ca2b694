// MergeTree: merges partials along a fixed binary tree, whatever order they come in.
//
// Node (level, i) covers chunks [i * 2^level, (i + 1) * 2^level); it is its left child
// merged with its right one, in that order, or its only child where the tree ends.
// Chunks are aligned subtrees of 2^k leaves, so the tree over leaves is the same for
// any chunk size. A user kernel whose merge is not associative therefore gives the same
// bits whatever ran where.
//
// T is a movable state; `merge(T& into, const T& from)` merges the right neighbour in.
// Memory: at most one state for each run of finished chunks. Threads: one.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <utility>

#include "ipc/base/check.h"

namespace tally::merge {

template <typename T>
class MergeTree {
 public:
  using Merge = void (*)(T& into, const T& from);

  MergeTree(std::uint32_t chunks, Merge merge) : chunks_(chunks), merge_(merge) {}

  // Precondition: chunk `index` has not been added.
  void add(std::uint32_t index, T state) {
    TALLY_CHECK(index < chunks_);
    unsigned level = 0;
    std::uint64_t at = index;
    for (;;) {
      const std::uint64_t nodes = nodes_at(level);
      if (nodes == 1) break;
      const std::uint64_t sibling = at ^ 1U;
      if (sibling < nodes) {
        const auto found = waiting_.find({level, sibling});
        if (found == waiting_.end()) break;
        T other = std::move(found->second);
        waiting_.erase(found);
        if (sibling < at) std::swap(other, state);
        merge_(state, other);
      }
      at >>= 1;
      ++level;
    }
    const bool is_new = waiting_.emplace(std::pair(level, at), std::move(state)).second;
    TALLY_CHECK(is_new);
  }

  // The whole tree's state once every chunk was added; none before, or with 0 chunks.
  // The tree is empty then and takes another round's.
  std::optional<T> take() {
    if (waiting_.size() != 1) return std::nullopt;
    const auto only = waiting_.begin();
    if (nodes_at(only->first.first) != 1) return std::nullopt;
    T root = std::move(only->second);
    waiting_.clear();
    return root;
  }

 private:
  std::uint64_t nodes_at(unsigned level) const {
    return (std::uint64_t{chunks_} + (std::uint64_t{1} << level) - 1) >> level;
  }

  const std::uint32_t chunks_;
  const Merge merge_;
  std::map<std::pair<unsigned, std::uint64_t>, T> waiting_;
};

}  // namespace tally::merge

// DividedChunk: a chunk that is worked off in parts, because it kept killing workers:
// what its parts have given so far, until all of its leaves are accounted for.
#pragma once

#include <cstdint>
#include <optional>
#include <utility>

#include "ipc/model/chunk_task.h"
#include "runtime/job/merged_state.h"

namespace tally::job {

class DividedChunk {
 public:
  // Parts come in order and do not overlap.
  void add(const model::LeafRange& part, MergedState state) {
    leaves_ += part.end - part.begin;
    if (state_)
      merge_state(*state_, state);
    else
      state_ = std::move(state);
  }
  // The part is left out of a partial answer.
  void leave_out(const model::LeafRange& part) { leaves_ += part.end - part.begin; }

  std::uint64_t leaves() const { return leaves_; }  // accounted for
  // What the parts gave; none if all were left out.
  std::optional<MergedState> take() { return std::exchange(state_, std::nullopt); }

 private:
  std::uint64_t leaves_ = 0;
  std::optional<MergedState> state_;
};

}  // namespace tally::job

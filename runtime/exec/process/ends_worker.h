// Which outcomes are a worker's last, by its own decision: after a kernel wrote where
// it may not, or took all memory, nobody else's chunk is to run there.
//
// The worker leaves after such a one, and the daemon knows that it will: a chunk that
// crosses with that is not to blame.
#pragma once

#include <variant>

#include "ipc/model/chunk_task.h"

namespace tally::exec {

inline bool ends_worker(const model::ChunkOutcome& outcome) {
  const auto* error = std::get_if<Error>(&outcome.result);
  return error != nullptr &&
         (error->code() == "kernel_overran_state" || error->code() == "kernel_memory");
}

}  // namespace tally::exec

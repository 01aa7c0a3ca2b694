// Which chunks take long: their executors give way to who serves (ipc/base/give_way.h).
#pragma once

#include <cstdint>
#include <variant>

#include "ipc/model/chunk_task.h"
#include "runtime/source/leaves.h"

namespace tally::exec {

// More than a leaf, or kernels, of which nothing is known.
inline bool takes_long(const model::ChunkTask& task) {
  if (!task.kernels.empty() || !task.images.empty()) return true;
  std::uint64_t extent = 0;
  if (const auto* range = std::get_if<model::RangePiece>(&task.piece))
    extent = range->end - range->begin;
  if (const auto* files = std::get_if<model::FilePieces>(&task.piece))
    for (const model::FilePiece& piece : files->pieces) {
      if (piece.stream) return true;
      extent += piece.end - piece.begin;
    }
  return extent > source::kLeafElements;
}

}  // namespace tally::exec

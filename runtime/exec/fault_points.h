// Fault points: places where the worker built for tests can be told to fail.
//
// In the production worker this is an empty inline function that the compiler removes;
// tally-worker-test is built with TALLY_FAULT_POINTS and reads $TALLY_FAULT:
//
//   POINT:ACTION[:chunk=N][:attempt=N][:round=N][:block=N][:leaf=N]   several, with ';'
//
//   round   of the job, from 0
//   block   of the task, from 0
//   leaf    of the file or range: where the block begins (update only)
//
//   POINT   start, assigned, update, before_partial, half_partial, after_partial
//   ACTION  kill, segv, bus, abort, exit0, exit1, hang, spin, stop, deaf (to SIGTERM),
//           stack (overflow), memory (runs out), descriptors (run out), denied (system
//           call),
//           drop, repeat, add (update only: the block loses, repeats, gains elements)
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string_view>

#include "ipc/model/chunk_task.h"

namespace tally::exec {

enum class Distortion : std::uint8_t { None, Drop, Repeat, Add };

#ifdef TALLY_FAULT_POINTS
// Fails as told, or returns how the block at hand is to be distorted.
Distortion fault_point(std::string_view point, const model::ChunkKey& key,
                       std::uint64_t block = 0, std::uint64_t leaf = 0);
// The point half_partial: half of `frame`'s message has left through `link`.
void fault_half_way(int link, std::span<const std::byte> frame,
                    const model::ChunkKey& key);
#else
inline void fault_half_way(int, std::span<const std::byte>, const model::ChunkKey&) {}
inline Distortion fault_point(std::string_view, const model::ChunkKey&,
                              std::uint64_t = 0, std::uint64_t = 0) {
  return Distortion::None;
}
#endif

}  // namespace tally::exec

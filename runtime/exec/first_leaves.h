// first_leaves: what the first leaves of a job cost on the calling thread.
//
// A job that nobody gave a hint for is placed by it: leaves that keep the CPU busy
// belong on worker processes, leaves that wait for their input on many threads. The
// partial is thrown away; the job reduces these leaves again like all others.
//
// Waiting is what the kernel says of it: wall time less CPU time less the time the
// thread was ready and had no CPU (/proc/thread-self/schedstat), and none at all if the
// thread never gave its CPU up. A busy machine does not look like a slow disk.
#pragma once

#include <cstdint>
#include <optional>
#include <span>

#include "ipc/base/clock.h"
#include "ipc/model/chunk_task.h"

namespace tally::exec {

struct FirstLeaves {
  std::uint64_t extent = 0;  // elements, or bytes of csv and text
  Nanoseconds cpu_ns = 0;
  Nanoseconds waited_ns = 0;  // for input
};

// How much is reduced: until one of these is passed, looked at between blocks.
struct FirstLeavesBounds {
  std::uint64_t extent = 0;
  Nanoseconds wall_ns = 5'000'000;
};

// None where the leaves cannot be reduced: the job itself will say why. Does blocking
// I/O. `descriptors` are the task's and are only pread.
std::optional<FirstLeaves> measure_first_leaves(model::ChunkTask task,
                                                std::span<const int> descriptors,
                                                const FirstLeavesBounds& bounds);

}  // namespace tally::exec

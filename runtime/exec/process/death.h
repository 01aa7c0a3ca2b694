// The cause of a worker's death, in words, from what the zygote saw. Never a guess.
#pragma once

#include <chrono>
#include <cstdint>

#include "ipc/base/error.h"
#include "runtime/exec/process/zygote_protocol.h"

namespace tally::exec {

// Class WorkerLost; code "worker_killed" (field signal) or "worker_exited" (field
// exit_status); fields worker, pid.
Error death_cause(std::uint32_t worker, const ZygoteMessage& death);

// Code "worker_lost": the link closed and nobody could tell why.
Error unknown_death(std::uint32_t worker, std::uint32_t pid);

// Code "kernel_stalled": one call of a kernel went on for longer than `limit`.
Error stalled(std::uint32_t worker, std::uint32_t pid, std::chrono::nanoseconds limit);

}  // namespace tally::exec

// The cause of a worker's death, in words, from what the zygote saw. Never a guess.
#pragma once

#include <chrono>
#include <cstdint>
#include <string>

#include "ipc/base/error.h"
#include "runtime/account/oom_kills.h"
#include "runtime/exec/chunk_page.h"
#include "runtime/exec/process/zygote_protocol.h"

namespace tally::exec {

// Class WorkerLost; code "worker_killed" or "worker_oom_killed" (field signal) or
// "worker_exited" (field exit_status); fields worker, pid. `oom` is looked at where the
// signal is SIGKILL, and told with it (field checked).
Error death_cause(std::uint32_t worker, const ZygoteMessage& death,
                  const account::OomKills::Evidence& oom);

// Code "worker_denied_call": SIGSYS ended a worker with a seccomp filter; fields
// syscall, number (of what its trap wrote into the page; none where it could not),
// signal.
Error denied_call(std::uint32_t worker, const ZygoteMessage& death,
                  const ChunkPage& page);

// Code "worker_lost": the link closed and nobody could tell why; field checked.
Error unknown_death(std::uint32_t worker, std::uint32_t pid, char process_state);

// Code "worker_deaf": its job was over, and it went on; field doing.
Error worker_deaf(std::uint32_t worker, std::uint32_t pid, const std::string& doing,
                  char process_state, std::chrono::nanoseconds grace);

// Code "kernel_stalled": one call of a kernel went on for longer than `limit`.
Error kernel_stalled(std::uint32_t worker, std::uint32_t pid,
                     std::chrono::nanoseconds limit);

// What stood still for longer than `limit`.
struct Stall {
  std::uint32_t worker = 0;
  std::uint32_t pid = 0;
  std::string doing;          // "chunk 3: reading file 0"
  char process_state = '\0';  // proc(5)
  std::chrono::nanoseconds limit{};
  std::string setting;  // that set the limit: "[pool] stall_timeout"
};

// Code "worker_stalled"; fields worker, pid, limit_ms, doing, process_state.
Error worker_stalled(const Stall& stall);

}  // namespace tally::exec

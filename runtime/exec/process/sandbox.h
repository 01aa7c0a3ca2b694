// The sandbox of workers: what is asked for, and what this machine gives.
//
// Decided once, by the process that spawns the zygote, which runs under the same kernel
// and the same limits; the zygote is told on its command line. A worker that cannot
// enter what was decided ends, so the words of the plan are true of every worker.
//
// What each layer stops is told in SECURITY.md.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "ipc/base/result.h"

namespace tally::exec {

// Auto: where the kernel has it.
enum class SandboxUse : std::uint8_t { Auto, Require, Off };

// Of each worker, whatever runs in it; 0: no limit.
struct WorkerLimits {
  std::uint64_t private_bytes = 0;
  std::uint32_t cpu_s = 0;  // of CPU time, without that its chunk gets on

  friend bool operator==(const WorkerLimits&, const WorkerLimits&) = default;
};

struct SandboxOptions {
  SandboxUse seccomp = SandboxUse::Auto;
  SandboxUse landlock = SandboxUse::Auto;
  WorkerLimits limits;
};

struct SandboxPlan {
  bool seccomp = false;
  std::uint32_t landlock_abi = 0;  // 0: no Landlock
  WorkerLimits limits;

  friend bool operator==(const SandboxPlan&, const SandboxPlan&) = default;
};

// Errors: InvalidArgument "no_seccomp", "no_landlock" (required, and not to be had).
Result<SandboxPlan> plan_sandbox(const SandboxOptions& options);

// "seccomp, landlock 4"; "off: ..." where nothing is left. For people.
std::string words_of(const SandboxPlan& plan);

// The plan as one word of a command line, and back; nullopt if it is none.
std::string argument_of(const SandboxPlan& plan);
std::optional<SandboxPlan> plan_of(std::string_view argument);

}  // namespace tally::exec

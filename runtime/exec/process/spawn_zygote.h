// spawn_zygote: executes tally-worker as a zygote; the calling process is not forked.
//
// A daemon's zygote is its child, and dies with the thread that spawned it (PDEATHSIG).
// A host program's is an orphan from birth: the host gets no SIGCHLD for it and its
// wait() never sees it. It watches the host by a pidfd, and dies with the process, even
// while others that the host forked hold its descriptors.
//
// Threads: any; those of a host must have all signals blocked. Errors: NotFound
// "no_worker_program", Io.
#pragma once

#include <sys/types.h>

#include <optional>
#include <string>
#include <vector>

#include "ipc/base/result.h"
#include "ipc/base/unique_fd.h"
#include "runtime/exec/process/sandbox.h"

namespace tally::exec {

struct ZygoteOptions {
  std::string program;  // tally-worker
  bool orphan = false;
  // "NAME=value", for zygote and workers, who get of it what is_for_workers(); none:
  // this process's at the time.
  std::optional<std::vector<std::string>> environment;
  SandboxPlan sandbox;
};

struct SpawnedZygote {
  pid_t pid = 0;
  UniqueFd pidfd;
};

// `socket` becomes kZygoteSocket there; it stays the caller's.
Result<SpawnedZygote> spawn_zygote(const ZygoteOptions& options, int socket);

}  // namespace tally::exec

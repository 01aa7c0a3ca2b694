// The zygote: a single-threaded fork server, exec'd once by the daemon.
//
// Forks a worker on request, opens its pidfd before it can be reaped, reaps the dead
// and reports each death. Ends when its socket does, or when the daemon's loop thread
// does (PDEATHSIG), or, an orphan, when its owner does; its workers end with it.
//
// Being single-threaded for life is what allows its children to run on without exec.
#pragma once

#include "runtime/exec/process/sandbox.h"

namespace tally::exec {

// Runs until the socket closes; the exit status of the process. `owner`: a pidfd; -1:
// the parent's death is watched for instead. `sandbox`: what every worker enters.
int zygote_main(int socket, int owner, const SandboxPlan& sandbox);

}  // namespace tally::exec

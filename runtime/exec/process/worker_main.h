// A worker: takes batches of chunks from its link, reduces them, answers.
//
// One thread, one chunk at a time, no state between chunks but buffers. Ends when its
// link does.
#pragma once

#include "ipc/base/unique_fd.h"
#include "runtime/exec/process/sandbox_worker.h"
#include "runtime/exec/process/worker_output.h"

namespace tally::exec {

// `link` is the worker's end of its SEQPACKET pair, `page` the memfd of its ChunkPage,
// `output` becomes its stdout and stderr. Returns the exit status of the process:
// before it is ready, 1, with the reason in its output.
int worker_main(UniqueFd link, UniqueFd page, WorkerOutput output,
                WorkerSandbox sandbox);

}  // namespace tally::exec

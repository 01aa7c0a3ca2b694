// The handler of SIGSYS in a worker: what a denied system call ends with.
//
// It writes the call down in the ChunkPage and ends the process by that signal, so that
// the daemon can name the call (death.h). Where SIGSYS is blocked the kernel ends the
// process without it, and nobody knows which call it was.
//
// While an image is loaded (the page's call is Load) the loader may open files to read
// and examine them: those calls the handler makes itself, with the filter's pass.
//
// This tells honest kernels' faults apart. One that sets out to can forge the page and
// find the pass; what holds against it are the filter and Landlock.
#pragma once

#include <cstdint>

#include "ipc/base/result.h"
#include "runtime/exec/chunk_page.h"

namespace tally::exec {

// `page` must outlive the process. Before the filter, which lets nobody change it.
Result<void> set_trap(ChunkPage& page, std::uint64_t pass);

// A kernel may have blocked it; before each chunk with kernels.
void unblock_trap();

}  // namespace tally::exec

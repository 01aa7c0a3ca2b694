// The CPU time that a worker may use without that its chunk gets on: RLIMIT_CPU.
//
// The daemon watches for that by the clock and knows more (stall.h), so this is long
// enough never to come first. It holds where the daemon cannot act: when it is stopped,
// or its loop hangs, an endless loop does not burn a core for ever.
//
// A limit for each chunk would be a system call for each chunk, and wrong for a long
// one. So the kernel sends SIGXCPU when the time is used up, and the handler looks
// whether the page moved since: if so there is as much again, else the process ends by
// that signal.
#pragma once

#include <cstdint>

#include "ipc/base/result.h"
#include "runtime/exec/chunk_page.h"

namespace tally::exec {

// `page` must outlive the process; 0: no limit. An inherited limit that is lower
// stays, also a soft one.
Result<void> limit_cpu(const ChunkPage& page, std::uint32_t seconds);

}  // namespace tally::exec

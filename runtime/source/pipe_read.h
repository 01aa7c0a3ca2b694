// Reading a pipe that others may share, without being held up by any of them.
//
// The client and its other children hold the same pipe: O_NONBLOCK would be theirs too,
// so it is never set. A reader of theirs may take the bytes that poll() told us of, and
// the read would then block for as long as somebody keeps the pipe open: vmsplice()
// takes bytes from a pipe without ever waiting, whatever the pipe's flags are.
//
// Threads: any; nothing is kept.
#pragma once

#include <chrono>
#include <cstddef>
#include <span>
#include <string_view>

#include "ipc/base/result.h"
#include "runtime/source/cancellation.h"

namespace tally::source {

// How often a reader that waits looks whether it was called off.
inline constexpr std::chrono::milliseconds kCancelStep{50};

// Waits for bytes and takes what there is, at most into.size(), which is not 0. 0: the
// last writer has gone. A FIFO that nobody has opened for writing yet is waited for.
// Errors: Cancelled; Io "io", with field "file".
Result<std::size_t> read_pipe(int descriptor, std::span<std::byte> into,
                              const Cancellation& cancellation, std::string_view file);

}  // namespace tally::source

// Reading files at given offsets, without moving anything that others share.
//
// A descriptor that a client passed shares its file position with the client, so tally
// only ever uses pread. A read that the kernel cut short or a signal interrupted is
// continued; the end of the file is told apart from an error. A read that is answered
// in full costs one system call.
//
// Threads: any; nothing is kept.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string_view>

#include "ipc/base/result.h"

namespace tally::source {

// What one read asks for: it fits in the second-level cache together with the states,
// and is large enough that the system call does not show.
inline constexpr std::size_t kReadBytes = 256 * 1024;

// Fills `into` from `offset` on. Returns how many bytes there were: fewer than asked
// for only where the file ends. Errors: Io "io".
Result<std::size_t> pread_full(int descriptor, std::span<std::byte> into,
                               std::uint64_t offset);

// The same where the file is known to have the bytes. Errors, with field "file": Io
// "io"; InvalidData "file_shrank" if it has fewer now than when it was inspected.
Result<void> pread_exactly(int descriptor, std::span<std::byte> into,
                           std::uint64_t offset, std::string_view file);

}  // namespace tally::source

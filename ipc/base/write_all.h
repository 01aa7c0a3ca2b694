// write_all: every byte, whatever write() takes at a time and whoever interrupts it.
#pragma once

#include <cstddef>
#include <span>
#include <string_view>

#include "ipc/base/result.h"

namespace tally {

// For descriptors that block. Errors: Io, beginning with `what` was being done.
Result<void> write_all(int fd, std::span<const std::byte> bytes, std::string_view what);

}  // namespace tally

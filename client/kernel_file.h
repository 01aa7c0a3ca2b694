// A kernel's shared object, opened for a job; the daemon never opens a path.
#pragma once

#include <string>

#include "ipc/base/result.h"
#include "ipc/base/unique_fd.h"

namespace tally::client {

// Errors: NotFound "no_such_kernel_file", PermissionDenied "kernel_file_denied",
// InvalidArgument "not_a_kernel" (no name, no regular file, or no ELF file), Io.
Result<UniqueFd> open_kernel_file(const std::string& path);

// What messages and the report call it: the last part of the path.
std::string kernel_file_name(const std::string& path);

}  // namespace tally::client

// elf_check: whether a file can be loaded as a shared object at all.
//
// The loader maps what the headers promise; a file that ends early would be a SIGBUS in
// the midst of it. So the headers are read first, by pread, and held against the size.
#pragma once

#include <string>

#include "ipc/base/result.h"

namespace tally::kernels {

// Errors: InvalidArgument "not_a_kernel" (with field "image"), which says what the file
// is instead; Io "io".
Result<void> check_elf(int descriptor, const std::string& name);

}  // namespace tally::kernels

// --kernel: the shared objects with kernels that a job brings along.
#pragma once

#include <cstddef>

#include "client/cli/args.h"
#include "client/cli/job_request.h"
#include "ipc/base/result.h"

namespace tally::cli {

// How many files --kernel names.
std::size_t count_kernels(const Args& args);

// Opens them; their descriptors come behind those of the input. Errors: those of
// open_kernel_file().
Result<void> add_kernels(const Args& args, JobRequest& request);

}  // namespace tally::cli

// merge_states: the last round of a job with kernels.
//
// Reads what the chunks gave (MergePiece, chunk_task.h), by pread, so that a file that
// shrinks is an error; merges along the tree over chunks; finishes each kernel.
#pragma once

#include <memory>
#include <span>
#include <vector>

#include "ipc/model/chunk_task.h"
#include "runtime/kernel/kernel.h"

namespace tally::kernels {

// One list of outputs a kernel. Errors: the kernels' own; Io "io"; InvalidData
// "file_shrank"; Internal where the layout is not as promised.
Result<std::vector<std::vector<model::KernelOutput>>> merge_states(
    const model::MergePiece& piece, std::span<const int> descriptors,
    const std::vector<std::unique_ptr<Kernel>>& kernels);

}  // namespace tally::kernels

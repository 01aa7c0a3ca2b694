// mapped: one run of a sealed array, as it lies in memory; nothing is copied.
#pragma once

#include <memory>

#include "ipc/model/chunk_task.h"
#include "runtime/source/block_reader.h"
#include "runtime/source/mapped_arrays.h"

namespace tally::source {

// Whether a task is to be read so. Elements must be aligned as its states and kernels
// want them.
bool is_mapped(const model::ChunkTask& task);

// Precondition: is_mapped(task). `arrays`, `task` and what they map must outlive the
// reader. Errors: Internal "Internal" if the piece does not fit the object; Io.
Result<std::unique_ptr<BlockReader>> open_mapped_reader(
    const model::ChunkTask& task, std::span<const int> descriptors,
    MappedArrays& arrays);

}  // namespace tally::source

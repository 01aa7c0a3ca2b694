// paired: one run of two arrays side by side, element by element: a batch has a block
// of each.
#pragma once

#include <memory>
#include <span>

#include "ipc/model/chunk_task.h"
#include "runtime/source/block_reader.h"
#include "runtime/source/mapped_arrays.h"

namespace tally::source {

// Whether the task is over two arrays.
bool is_paired(const model::ChunkTask& task);

// Precondition: is_paired(task). Arrays that are kept are read where they are mapped,
// if `arrays` is there. Everything must outlive the reader. Errors: Internal "Internal"
// if the piece does not fit the task, or the object that is mapped; Io.
Result<std::unique_ptr<BlockReader>> open_paired_reader(
    const model::ChunkTask& task, std::span<const int> descriptors, Scratch& scratch,
    MappedArrays* arrays = nullptr);

}  // namespace tally::source

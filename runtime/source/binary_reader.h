// The readers of packed elements: npy, raw and memory by pread, values from the task.
//
// binary: one read of kReadBytes into the scratch for each block, aligned for any
// vector; pieces one after another; exactly the bytes of the pieces are asked for, so a
// file of n bytes costs ceil(n / kReadBytes) system calls. Nothing is mapped: a file
// that shrinks is an error here, not a SIGBUS.
// values: one block, the task's own bytes, or a copy of them where they are not
// aligned.
//
// Errors of next(): Io "io", InvalidData "file_shrank". A task that does not fit its
// descriptors or types is Internal: we made it.
#pragma once

#include "runtime/source/block_reader.h"

namespace tally::source {

// `task` (and with it the values) must outlive the reader.
Result<std::unique_ptr<BlockReader>> open_binary_reader(
    const model::ChunkTask& task, const model::FilePieces& pieces,
    std::span<const int> descriptors, Scratch& scratch);

Result<std::unique_ptr<BlockReader>> open_values_reader(const model::ChunkTask& task,
                                                        const model::ValuesPiece& piece,
                                                        Scratch& scratch);

}  // namespace tally::source

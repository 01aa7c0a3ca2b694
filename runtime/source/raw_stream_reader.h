// The reader of packed elements from streams: one pass, as the bytes come.
//
// Its spans are in elements. Errors of next(): Io "io"; Cancelled; InvalidData
// "bad_raw_size" where a stream ends within an element.
#pragma once

#include "runtime/source/block_reader.h"

namespace tally::source {

// `task` must outlive the reader. Every piece is a stream.
std::unique_ptr<BlockReader> open_raw_stream_reader(const model::ChunkTask& task,
                                                    const model::FilePieces& pieces,
                                                    std::span<const int> descriptors,
                                                    Scratch& scratch);

}  // namespace tally::source

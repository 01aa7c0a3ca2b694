// The reader of text for kernels that take text: a file's lines, one column of them.
//
// A line is what lies before an LF, or before the end of the file if that is not right
// after an LF; a CR before the LF is not part of it. Empty lines are rows too, so that
// a kernel can count lines; none is ever missing. A UTF-8 byte order mark at the start
// is skipped. Lines are counted from 0 in each file.
//
// A piece is a whole file, or a stream. Its span is the bytes up to the last line read.
//
// Errors of next(): Io "io"; Cancelled; InvalidData "file_shrank", and with fields
// file, line and limit "line_too_long".
#pragma once

#include "runtime/source/block_reader.h"
#include "runtime/source/positioned_read.h"

namespace tally::source {

// For tests, which want edges everywhere.
struct LineReaderOptions {
  std::size_t read_bytes = kReadBytes;
  std::size_t batch_lines = 4096;
};

// `pieces` must outlive the reader. Precondition: every piece begins at 0 and names one
// of the descriptors.
std::unique_ptr<BlockReader> open_line_reader(const model::FilePieces& pieces,
                                              std::span<const int> descriptors,
                                              Scratch& scratch,
                                              LineReaderOptions options = {});

}  // namespace tally::source

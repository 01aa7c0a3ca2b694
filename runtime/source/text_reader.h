// The reader of text: numbers between white space, all of them one column of elements.
//
// White space is space, tab, LF, CR, vertical tab and form feed; what a number is:
// number_text.h. Lines have no meaning but in errors, which name the line and, as
// column, which of its words is meant. A UTF-8 byte order mark at the start is skipped.
// "NA" is a missing element. Elements are counted from 0 in each file, missing ones
// included.
//
// A column of text is not read as numbers but line by line: line_reader.h.
//
// A piece is a whole file, or a stream. Its span is the bytes up to the last one read.
//
// Errors of next(): Io "io"; Cancelled; InvalidData "file_shrank", and with fields
// file, line, column and text "bad_number", "number_overflow", "inexact_integer",
// "missing_cell"; "number_too_long".
#pragma once

#include "runtime/source/block_reader.h"
#include "runtime/source/positioned_read.h"

namespace tally::source {

// Longer words are refused at once: a double written out in full has 1,077 digits, and
// a file without white space is no text.
inline constexpr std::size_t kMaxWordBytes = 64 * 1024;

// For tests, which want edges everywhere.
struct TextReaderOptions {
  std::size_t read_bytes = kReadBytes;
  std::size_t batch_elements = 8192;
};

// `task` must outlive the reader.
Result<std::unique_ptr<BlockReader>> open_text_reader(const model::ChunkTask& task,
                                                      const model::FilePieces& pieces,
                                                      std::span<const int> descriptors,
                                                      Scratch& scratch,
                                                      TextReaderOptions options = {});

}  // namespace tally::source

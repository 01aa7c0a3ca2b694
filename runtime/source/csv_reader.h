// The reader of CSV: the task's columns as blocks of elements, some thousand rows each.
//
// What a record is: csv_scanner.h; what a number is: number_text.h. A UTF-8 byte order
// mark at the start is skipped, so are blank lines; the first record is the header if
// the dialect has one. Rows are counted from 0 in each file, data only; lines are
// physical ones, from 1, and an error names the line its record starts on. The first
// error in file order is the one that is answered. Columns that the task does not name
// are only passed over, not looked at.
//
// A column whose place is kNoColumn takes no field: its rows are counted, and its block
// has no data.
//
// At this step a piece is a whole file, begin is 0 and end the bytes it has from its
// start on; or a stream, whose columns are found when its first record has come. Its
// span is the bytes up to the last record read.
//
// Errors of next(): Io "io"; of a stream Cancelled and those of csv_columns_of();
// InvalidData "file_shrank", and with fields file, line and
// where it applies column (from 1) and text: "ragged_row", "bad_csv",
// "unterminated_quote", "record_too_long", "bad_number", "number_overflow",
// "inexact_integer", "missing_cell".
#pragma once

#include "runtime/source/block_reader.h"
#include "runtime/source/positioned_read.h"

namespace tally::source {

// For tests, which want edges everywhere.
struct CsvReaderOptions {
  std::size_t read_bytes = kReadBytes;
  std::size_t batch_rows = 0;  // 0: as many as suit the cache
};

// `task` must outlive the reader.
Result<std::unique_ptr<BlockReader>> open_csv_reader(const model::ChunkTask& task,
                                                     const model::FilePieces& pieces,
                                                     std::span<const int> descriptors,
                                                     Scratch& scratch,
                                                     CsvReaderOptions options = {});

}  // namespace tally::source

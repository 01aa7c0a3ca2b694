// csv_columns: where a job's columns are in one CSV file, told from its first record.
//
// A selector is a header name, or a number from 1; header names win. "" is the only
// column of a file with one; "*" is no column at all (place kNoColumn). A file without
// a record has no columns: "" and "*" are accepted there, and without a header any
// number, for there is nothing to be read from them.
//
// Trust: the file is hostile; a header record may have 16 MiB and a field a byte.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "ipc/base/result.h"
#include "ipc/model/job_spec.h"

namespace tally::source {

// The first record of a file, whole. `fields` 0: there is none.
struct FirstRecord {
  std::string_view text;
  std::uint32_t fields = 0;
};

struct CsvColumns {
  std::vector<std::uint32_t> places;  // one a selector, from 0
  std::uint32_t fields = 0;           // in the first record; 0 if there is none
};

// Reads by pread from byte `start` of `descriptor`, a regular file that has
// `size_bytes` from there. Errors, with field "file":
//   InvalidArgument  "unknown_column" (lists those there are, suggests a near miss),
//                    "ambiguous_column", "column_needed"
//   InvalidData      "bad_csv", "unterminated_quote", "record_too_long", "file_shrank"
//   Io               "io"
Result<CsvColumns> find_csv_columns(int descriptor, std::uint64_t start,
                                    std::uint64_t size_bytes, std::string_view file,
                                    const model::CsvDialect& dialect,
                                    const std::vector<std::string>& selectors);

// The same of a record that was read already. Errors: those of InvalidArgument.
Result<CsvColumns> csv_columns_of(const FirstRecord& record, std::string_view file,
                                  const model::CsvDialect& dialect,
                                  const std::vector<std::string>& selectors);

}  // namespace tally::source

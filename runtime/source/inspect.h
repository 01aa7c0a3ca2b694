// inspect: looks at a job's input before any of it is reduced.
//
// Checks descriptors (regular file, pipe, fully sealed memfd), of regular files reads
// npy headers and csv header records, and says how large everything is. Does blocking
// I/O: call it on a pool thread, never on the event loop. All input is hostile; nothing
// is allocated before its size is bounded.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "ipc/base/result.h"
#include "ipc/base/unique_fd.h"
#include "ipc/model/job_spec.h"
#include "runtime/source/descriptor_check.h"

namespace tally::source {

// The selector of a job that needs no column (count alone): csv rows are counted and
// no field is looked at. Its place is kNoColumn (block_reader.h).
inline constexpr std::string_view kNoColumnSelector = "*";

// One file, or an array of a memory source (name empty).
struct InspectedFile {
  std::string name;
  std::uint32_t descriptor = 0;  // index in the job's list
  std::uint64_t data_offset_bytes = 0;
  std::uint64_t elements = 0;  // npy, raw, memory
  std::uint64_t bytes = 0;     // of data that will be read
  std::string layout;          // npy: of its elements (npy_header.h)
  // csv: for each of the job's columns its place in this file, and the record width.
  std::vector<std::uint32_t> columns;
  std::uint32_t fields = 0;
  // A pipe or FIFO: elements, bytes, columns and fields are known once it was read.
  bool stream = false;
};

struct Inspection {
  model::ElementType type = model::ElementType::F64;
  bool in_bytes = false;  // csv, text: the number of elements is not known beforehand
  bool streams = false;   // some of the files are
  std::vector<InspectedFile> files;
  // Order keys of some elements, in their order; only where they are asked for
  // (sample.h).
  std::vector<std::int64_t> sample = {};
};

// `columns` are the distinct column selectors of the job, in the task's order; a
// source without columns takes exactly one, "" or kNoColumnSelector. A range and
// values have no files.
// Errors, all with fields "file" and what applies:
//   InvalidArgument  "bad_descriptor", "not_a_file", "not_readable", "not_sealed",
//                    "out_of_bounds", "bad_values", "bad_dtype", "mixed_types",
//                    "type_needed", "bad_delimiter", "unsupported_format",
//                    "unknown_column" (lists those there are), "ambiguous_column",
//                    "column_needed", "same_stream", "no_stream" (npy)
//   InvalidData      "bad_npy", "bad_raw_size", "bad_csv",
//                    "unterminated_quote", "record_too_long", "file_shrank"
//   Io               "io"
// Reads: none for raw, text, memory and streams; one an npy or csv file as a rule.
Result<Inspection> inspect(const model::JobSpec& spec,
                           const std::vector<std::string>& columns,
                           const std::vector<UniqueFd>& descriptors);

// The same for files that come in parts, of which no more is kept than what they said.
// Streams are refused ("not_a_file"). `source` must outlive it.
class FilesInspector {
 public:
  FilesInspector(const model::FilesSource& source, std::vector<std::string> columns);

  // The next files of the source, in order. Errors: those of inspect(); no further call
  // then.
  Result<void> add(const std::vector<UniqueFd>& files);

  std::size_t files() const { return inspection_.files.size(); }
  // Once all were added; `descriptor` is a file's place in the source.
  const Inspection& inspection() const { return inspection_; }
  const std::vector<FileIdentity>& identities() const { return identities_; }

 private:
  const model::FilesSource& source_;
  const std::vector<std::string> columns_;
  std::optional<model::ElementType> common_;
  Inspection inspection_;
  std::vector<FileIdentity> identities_;
};

}  // namespace tally::source

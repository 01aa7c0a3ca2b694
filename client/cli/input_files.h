// Input files: opened here, by the user's own rights; the daemon opens none.
#pragma once

#include <optional>
#include <span>
#include <string>
#include <string_view>

#include "ipc/base/result.h"
#include "ipc/base/unique_fd.h"
#include "ipc/frame.h"
#include "ipc/model/job_spec.h"

namespace tally::cli {

// The most files one job takes: what one frame can carry.
inline constexpr std::size_t kMaxFiles = ipc::kMaxFrameDescriptors;

// Opens a regular file for reading, close-on-exec.
// Errors: InvalidArgument "file_not_found", "file_not_readable", "is_a_directory",
// "not_a_file", each with field "file".
Result<UniqueFd> open_input(const std::string& name);

// What a file's extension says about it.
struct FileKind {
  model::FileFormat format = model::FileFormat::Csv;
  std::optional<model::ElementType> type;  // raw, from ".f64" and its like
  char delimiter = ',';
};

// .npy; .csv; .tsv; .txt (text); .raw, .bin and .f64, .i32, … (raw). None for others.
std::optional<FileKind> kind_of_file(std::string_view name);

// What to do about a file whose extension says that tally cannot read it: compressed,
// or of a format that is not known here. Empty for all others.
std::string_view unreadable_kind(std::string_view name);

}  // namespace tally::cli

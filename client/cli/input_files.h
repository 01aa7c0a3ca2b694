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

// So many are opened and handed over with the job; more are when the daemon asks.
inline constexpr std::size_t kMostAtOnce = ipc::kMaxFrameDescriptors;

// What standard input is called in messages.
inline constexpr std::string_view kStandardInput = "standard input";

enum class InputKind : std::uint8_t {
  File,   // regular: its size is known, and it can be read by many at once
  Pipe,   // or FIFO: can be read once, by the daemon as well
  Other,  // a terminal, a device, a socket: to be read here (StreamPump)
};

struct InputFile {
  UniqueFd fd;  // close-on-exec
  InputKind kind = InputKind::File;
  std::uint64_t start_bytes = 0;  // of a regular file: what is read begins there
};

// Opens a file for reading. A FIFO that nobody writes to yet does not keep us waiting.
// Errors: InvalidArgument "file_not_found", "file_not_readable", "is_a_directory",
// "not_a_file", each with field "file".
Result<InputFile> open_input(const std::string& name);

// Standard input, which stays open; a regular file from where it stands. Errors: the
// same.
Result<InputFile> open_standard_input();

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

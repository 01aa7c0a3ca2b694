// Descriptors that a client passed, judged before anything is read from them.
//
// Trust: a descriptor may be anything at all. None of these calls can block on it.
#pragma once

#include <cstdint>
#include <string_view>
#include <vector>

#include "ipc/base/result.h"
#include "ipc/base/unique_fd.h"

namespace tally::source {

// A descriptor that is a regular file and can be read.
struct CheckedFile {
  int descriptor = -1;  // owned by the job
  std::uint64_t size_bytes = 0;
};

// `index` in the job's list; `name` for messages. Errors, with field "file":
//   InvalidArgument  "bad_descriptor" (no such index), "not_a_file" (says what it is),
//                    "not_readable"
//   Io               "io"
Result<CheckedFile> check_file(const std::vector<UniqueFd>& descriptors,
                               std::uint32_t index, std::string_view name);

// A memfd whose size and bytes nobody can change any more. InvalidArgument
// "not_sealed", which names the seals that are missing.
Result<void> check_sealed(const CheckedFile& file, std::string_view name);

}  // namespace tally::source

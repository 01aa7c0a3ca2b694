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

// A descriptor that can be read: a regular file, or a stream.
struct CheckedFile {
  int descriptor = -1;  // owned by the job
  std::uint64_t size_bytes = 0;
  bool stream = false;       // a pipe or FIFO: read once, its size is not known
  std::uint64_t device = 0;  // these two tell files apart
  std::uint64_t inode = 0;
};

// What tells whether a file is still the same one with the same contents.
struct FileIdentity {
  std::uint64_t device = 0;
  std::uint64_t inode = 0;
  std::uint64_t size_bytes = 0;
  std::int64_t changed_ns = 0;  // its modification time
  friend bool operator==(const FileIdentity&, const FileIdentity&) = default;
};

// Errors: Io, with field "file".
Result<FileIdentity> identity_of(int descriptor, std::string_view name);

// `index` in the job's list; `name` for messages. Errors, with field "file":
//   InvalidArgument  "bad_descriptor" (no such index), "not_a_file" (says what it is),
//                    "not_readable"
//   Io               "io"
Result<CheckedFile> check_file(const std::vector<UniqueFd>& descriptors,
                               std::uint32_t index, std::string_view name);

// The same, where a pipe or FIFO will do as well. Others that can be read but not like
// a file (sockets, terminals, devices) are their owner's to copy into a pipe: only of a
// pipe can one read without ever being held up (pipe_read.h).
Result<CheckedFile> check_input(const std::vector<UniqueFd>& descriptors,
                                std::uint32_t index, std::string_view name);

// A memfd whose size and bytes nobody can change any more. InvalidArgument
// "not_sealed", which names the seals that are missing.
Result<void> check_sealed(const CheckedFile& file, std::string_view name);

}  // namespace tally::source

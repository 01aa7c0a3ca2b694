// FileList: files of a job that are too many to hold open: names, and what they are.
//
// Each was opened once, when it was added, and is opened again when the daemon asks for
// it; it must then be the same file, wherever this process has gone meanwhile.
// Threads: one.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

#include "ipc/base/result.h"
#include "ipc/base/unique_fd.h"

namespace tally::client {

// The most files of one job; their names must fit into its request, too.
inline constexpr std::size_t kMostFiles = 65'536;

class FileList {
 public:
  // `name` for messages; `path` to open it by. `open_file` is the file, open; it stays
  // the caller's. Errors: Io.
  Result<void> add(std::string name, const std::string& path, int open_file);

  std::size_t size() const { return files_.size(); }
  // Whether what is open is one of them.
  bool has(int open_file) const;

  // Errors: Io "file_lost" (with "errno") and InvalidData "file_changed", both with
  // "file"; Io "no_such_file_asked" for a place beyond the list.
  Result<UniqueFd> open(std::uint32_t file) const;

 private:
  struct File {
    std::string name;
    std::string path;  // absolute
    std::uint64_t device = 0;
    std::uint64_t inode = 0;
  };

  std::vector<File> files_;
};

}  // namespace tally::client

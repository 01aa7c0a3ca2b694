// TraceFile: where --trace writes. Opened before the job runs, so that a wrong name
// costs no job; written, and cut to what was written, after it.
#pragma once

#include <functional>
#include <span>
#include <string>

#include "ipc/base/result.h"
#include "ipc/base/unique_fd.h"
#include "ipc/model/job_answer.h"

namespace tally::cli {

class TraceFile {
 public:
  // What is there stays as it is until write(). `inputs` are the job's descriptors.
  // Errors: InvalidArgument "trace_not_writable", "trace_is_input".
  // `is_input` tells of further inputs than `inputs`, if there is one.
  static Result<TraceFile> open(const std::string& path, std::span<const int> inputs,
                                const std::function<bool(int)>& is_input = {});
  // Removes a file that open() made and nothing was written to.
  ~TraceFile();
  TraceFile(TraceFile&& other) noexcept;
  TraceFile& operator=(TraceFile&&) = delete;

  // Errors: Io "trace_not_written"; Unavailable "no_trace" where the daemon recorded
  // none.
  Result<void> write(const model::JobAnswer& answer);

 private:
  TraceFile(std::string path, UniqueFd fd, bool made);
  Error not_written() const;

  std::string path_;
  UniqueFd fd_;
  bool made_;  // by open(), and nothing is in it yet
};

}  // namespace tally::cli

// WorkerOutput: what a worker writes to stdout and stderr, bounded, and readable after
// its death: a memfd of kBytes that cannot grow. Writes beyond its end fail.
//
// Daemon and worker share its open file description, so the worker's position tells the
// daemon how much there is. The worker begins each chunk with kernels at its start.
#pragma once

#include <string>

#include "ipc/base/result.h"
#include "ipc/base/unique_fd.h"

namespace tally::exec {

class WorkerOutput {
 public:
  static constexpr std::size_t kBytes = 16 * 1024;

  static Result<WorkerOutput> make();
  WorkerOutput() = default;
  explicit WorkerOutput(UniqueFd fd) : fd_(std::move(fd)) {}

  // In the worker: stdout and stderr are this from now on.
  bool become_standard_output() const;
  // Forgets what was written so far.
  void rewind() const;
  // What was written since the last rewind(), as printable UTF-8.
  std::string text() const;

  int fd() const { return fd_.get(); }

 private:
  UniqueFd fd_;
};

}  // namespace tally::exec

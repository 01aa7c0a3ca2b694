// StreamPump: copies into a pipe what only this program can read as it should.
//
// The daemon reads regular files and pipes. A terminal belongs to this program's
// session, a socket and a device may hold up whoever reads them: a thread here reads
// those, and the daemon gets the pipe's other end. The input ends where the reading
// ends; why it ended is told by failure(), since to the daemon an error looks like the
// end.
//
// Threads: one but for the pump's own, which lives as long as the program if nothing
// ends its input.
#pragma once

#include <atomic>
#include <memory>
#include <string>

#include "ipc/base/result.h"
#include "ipc/base/unique_fd.h"

namespace tally::cli {

class StreamPump {
 public:
  // Copies nothing yet. `name` is for messages. Errors: Io "io".
  static Result<StreamPump> make(UniqueFd input, std::string name);

  // The end to read from; once.
  UniqueFd take_output() { return std::move(output_); }

  // Once.
  void start();

  // Why the input ended, if not because it was at its end. To be asked when whoever
  // reads the pipe has come to its end. Errors: Io "io", with field "file".
  Result<void> failure() const;

 private:
  StreamPump(UniqueFd input, UniqueFd into, UniqueFd output, std::string name);

  UniqueFd input_;
  UniqueFd into_;
  UniqueFd output_;
  std::string name_;
  // Written before the pipe is closed: what its reader sees comes after.
  std::shared_ptr<std::atomic<int>> error_number_ =
      std::make_shared<std::atomic<int>>(0);
};

}  // namespace tally::cli

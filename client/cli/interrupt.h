// Interrupt: Ctrl-C as something to wait for instead of the end of the program.
//
// While one lives, SIGINT is held back from this thread (and from threads started
// meanwhile) and makes fd() readable. Afterwards it does what it did before.
// Threads: make, use and destroy it on one thread. One at a time in a process.
#pragma once

#include <signal.h>

#include "ipc/base/result.h"
#include "ipc/base/unique_fd.h"

namespace tally::cli {

// Holds SIGINT back from the calling thread while it lives.
class HeldInterrupt {
 public:
  HeldInterrupt();
  ~HeldInterrupt();
  HeldInterrupt(const HeldInterrupt&) = delete;
  HeldInterrupt& operator=(const HeldInterrupt&) = delete;

 private:
  sigset_t before_{};
};

class Interrupt {
 public:
  // Errors: Io.
  static Result<Interrupt> watch();

  int fd() const { return fd_.get(); }  // still owned here
  // Takes what arrived, so that fd() waits for the next Ctrl-C.
  void consume();

 private:
  explicit Interrupt(UniqueFd fd) : fd_(std::move(fd)) {}
  UniqueFd fd_;
};

}  // namespace tally::cli

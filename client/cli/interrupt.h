// Interrupt: Ctrl-C as something to wait for instead of the end of the program.
//
// A HeldInterrupt keeps SIGINT from the thread that makes it, and from the threads and
// processes started meanwhile; an Interrupt made while it lives hears of each SIGINT.
// Threads: make, use and destroy both on one thread. One Interrupt at a time.
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
  Interrupt(Interrupt&&) = default;
  Interrupt& operator=(Interrupt&&) = delete;
  // Takes what arrived too late to matter, which would end the program otherwise.
  ~Interrupt() { consume(); }

  int fd() const { return fd_.get(); }  // still owned here
  // Takes what arrived, so that fd() waits for the next Ctrl-C.
  void consume();

 private:
  explicit Interrupt(UniqueFd fd) : fd_(std::move(fd)) {}
  UniqueFd fd_;
};

}  // namespace tally::cli

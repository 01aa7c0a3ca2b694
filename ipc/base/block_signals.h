// For threads that we start in a program that may be somebody else's.
//
// Its signals are its own business: none is delivered to the calling thread, nor to
// those that it starts. What the thread itself does wrong (SIGSEGV and its like) is.
#pragma once

#include <signal.h>

namespace tally {

inline void block_signals() {
  sigset_t all;
  sigfillset(&all);
  for (const int fault : {SIGSEGV, SIGBUS, SIGFPE, SIGILL, SIGABRT, SIGTRAP, SIGSYS})
    sigdelset(&all, fault);
  pthread_sigmask(SIG_SETMASK, &all, nullptr);
}

// The same for as long as it lives: a thread that is started meanwhile never takes one.
class BlockedSignals {
 public:
  BlockedSignals() {
    pthread_sigmask(SIG_SETMASK, nullptr, &before_);
    block_signals();
  }
  ~BlockedSignals() { pthread_sigmask(SIG_SETMASK, &before_, nullptr); }
  BlockedSignals(const BlockedSignals&) = delete;
  BlockedSignals& operator=(const BlockedSignals&) = delete;

 private:
  sigset_t before_;
};

}  // namespace tally

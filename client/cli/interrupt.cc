#include "client/cli/interrupt.h"

#include <sys/signalfd.h>

namespace tally::cli {
namespace {

sigset_t interrupt_only() {
  sigset_t signals;
  ::sigemptyset(&signals);
  ::sigaddset(&signals, SIGINT);
  return signals;
}

}  // namespace

HeldInterrupt::HeldInterrupt() {
  const sigset_t held = interrupt_only();
  ::pthread_sigmask(SIG_BLOCK, &held, &before_);
}

HeldInterrupt::~HeldInterrupt() {
  ::pthread_sigmask(SIG_SETMASK, &before_, nullptr);
}

Result<Interrupt> Interrupt::watch() {
  const sigset_t watched = interrupt_only();
  UniqueFd fd(::signalfd(-1, &watched, SFD_CLOEXEC | SFD_NONBLOCK));
  if (!fd) return Error::from_errno("signalfd");
  return Interrupt(std::move(fd));
}

void Interrupt::consume() {
  if (!fd_) return;
  signalfd_siginfo info{};
  while (::read(fd_.get(), &info, sizeof info) == sizeof info) {
  }
}

}  // namespace tally::cli

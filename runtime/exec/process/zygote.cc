#include "runtime/exec/process/zygote.h"

#include <poll.h>
#include <signal.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <asio/posix/stream_descriptor.hpp>
#include <asio/redirect_error.hpp>
#include <asio/use_awaitable.hpp>

#include <cerrno>
#include <span>
#include <utility>
#include <vector>

#include "ipc/fd_passing.h"
#include "ipc/spawn.h"

namespace tally::exec {
namespace {

constexpr int kEndGraceMs = 2000;  // from closing the zygote's socket to SIGKILL

}  // namespace

struct Zygote::Impl {
  Impl(asio::io_context& loop, UniqueFd end, pid_t zygote, UniqueFd zygote_pidfd,
       ZygoteEvents& zygote_events)
      : socket(loop, end.release()),
        pid(zygote),
        pidfd(std::move(zygote_pidfd)),
        events(&zygote_events) {}

  // Reads reports until the zygote is gone or this end was closed.
  static asio::awaitable<Result<void>> read(std::shared_ptr<Impl> self) {
    for (;;) {
      asio::error_code error;
      co_await self->socket.async_wait(
          asio::posix::stream_descriptor::wait_read,
          asio::redirect_error(asio::use_awaitable, error));
      if (error || self->events == nullptr) co_return Result<void>();
      while (self->events != nullptr) {
        ZygoteMessage message;
        std::vector<UniqueFd> fds;
        const auto got = ipc::receive_with_fds(
            self->socket.native_handle(),
            std::as_writable_bytes(std::span(&message, 1)), fds, MSG_DONTWAIT);
        if (!got && got.error().code() == "descriptors_truncated") {
          self->report(message, fds);
          continue;
        }
        if (!got) co_return got.error();
        if (got->state == ipc::Transfer::WouldBlock) break;
        if (got->state == ipc::Transfer::Closed || got->bytes != sizeof message)
          co_return Error(Errc::WorkerLost, "the zygote closed its socket");
        self->report(message, fds);
      }
    }
  }

  void report(const ZygoteMessage& message, std::vector<UniqueFd>& fds) {
    switch (message.report) {
      case ZygoteReport::Forked:
        // Without its pidfd, for which there was no room here, we could not end it. It
        // ends by itself once its link is closed.
        if (fds.empty()) return events->on_fork_failed(message.serial, EMFILE);
        events->on_forked(message.serial, message.pid, std::move(fds.front()));
        return;
      case ZygoteReport::ForkFailed:
        events->on_fork_failed(message.serial, message.code);
        return;
      case ZygoteReport::Died: events->on_death(message); return;
    }
  }

  asio::posix::stream_descriptor socket;
  const pid_t pid;
  UniqueFd pidfd;
  ZygoteEvents* events;  // null once the Zygote is destroyed
};

Result<std::unique_ptr<Zygote>> Zygote::spawn(asio::io_context& loop,
                                              const ZygoteOptions& options,
                                              ZygoteEvents& events) {
  int ends[2];
  if (::socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ends) != 0)
    return Error::from_errno("socketpair");
  UniqueFd ours(ends[0]);
  const UniqueFd theirs(ends[1]);
  Result<SpawnedZygote> spawned = spawn_zygote(options, theirs.get());
  if (!spawned) return std::move(spawned).error();
  auto impl = std::make_shared<Impl>(loop, std::move(ours), spawned->pid,
                                     std::move(spawned->pidfd), events);
  ipc::spawn(loop, Impl::read(impl), [impl](const Result<void>& ended) {
    if (ended || impl->events == nullptr) return;
    // Its socket is closed: whatever is left of it must not be waited for.
    ::syscall(SYS_pidfd_send_signal, impl->pidfd.get(), SIGKILL, nullptr, 0);
    impl->events->on_zygote_gone();
  });
  return std::unique_ptr<Zygote>(new Zygote(std::move(impl)));
}

Zygote::~Zygote() {
  impl_->events = nullptr;
  asio::error_code ignored;
  impl_->socket.close(ignored);
  // It ends by itself on end-of-file; a stopped one has to be killed.
  siginfo_t info{};
  pollfd gone{impl_->pidfd.get(), POLLIN, 0};
  if (::poll(&gone, 1, kEndGraceMs) <= 0)
    ::syscall(SYS_pidfd_send_signal, impl_->pidfd.get(), SIGKILL, nullptr, 0);
  // Not ours to reap where it is an orphan, unless we adopt orphans.
  ::waitid(P_PIDFD, static_cast<id_t>(impl_->pidfd.get()), &info, WEXITED);
}

Result<void> Zygote::fork_worker(std::uint64_t serial, int link, int page, int output) {
  const ForkRequest request{serial};
  const int fds[] = {link, page, output};
  const auto sent =
      ipc::send_with_fds(impl_->socket.native_handle(),
                         std::as_bytes(std::span(&request, 1)), fds, MSG_DONTWAIT);
  if (!sent) return sent.error();
  if (sent->state != ipc::Transfer::Moved)
    return Error(Errc::Io, "zygote_unreachable", "the zygote takes no requests");
  return {};
}

void Zygote::kill() {
  ::syscall(SYS_pidfd_send_signal, impl_->pidfd.get(), SIGKILL, nullptr, 0);
}

pid_t Zygote::pid() const {
  return impl_->pid;
}

}  // namespace tally::exec

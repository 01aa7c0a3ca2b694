#include "runtime/exec/process/zygote_main.h"

#include <poll.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/signalfd.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <cstring>
#include <map>
#include <span>
#include <utility>
#include <vector>

#include "ipc/base/unique_fd.h"
#include "ipc/fd_passing.h"
#include "runtime/exec/process/sandbox_worker.h"
#include "runtime/exec/process/worker_main.h"
#include "runtime/exec/process/zygote_protocol.h"

namespace tally::exec {
namespace {

constexpr int kReportTries = 20;
constexpr int kReportPauseMs = 10;

std::uint64_t nanoseconds(const timeval& time) {
  return static_cast<std::uint64_t>(time.tv_sec) * 1'000'000'000U +
         static_cast<std::uint64_t>(time.tv_usec) * 1'000U;
}

class ForkServer {
 public:
  ForkServer(int socket, int owner, WorkerSandbox sandbox)
      : socket_(socket), owner_(owner), sandbox_(std::move(sandbox)) {}

  int run() {
    sigemptyset(&child_signal_);
    sigaddset(&child_signal_, SIGCHLD);
    sigprocmask(SIG_BLOCK, &child_signal_, nullptr);
    deaths_.reset(::signalfd(-1, &child_signal_, SFD_CLOEXEC | SFD_NONBLOCK));
    if (!deaths_) return 1;
    pollfd wait[3] = {
        {socket_, POLLIN, 0}, {deaths_.get(), POLLIN, 0}, {owner_, POLLIN, 0}};
    for (;;) {
      if (::poll(wait, 3, -1) < 0 && errno != EINTR) return 1;
      if (wait[2].revents != 0) break;
      if (wait[1].revents != 0) reap();
      if (wait[0].revents != 0 && !serve()) break;
    }
    // The workers die with us; what their kernels forked would not.
    for (const auto& [pid, serial] : workers_) ::kill(-pid, SIGKILL);
    return 0;
  }

 private:
  // Where the daemon is gone, its end of the socket tells us so as well. A report that
  // the kernel has no memory for must not be lost: the daemon would wait out its
  // deadline and end this process, and every worker with it.
  void report(const ZygoteMessage& message, int fd) {
    const auto bytes = std::as_bytes(std::span(&message, 1));
    const std::span<const int> fds =
        fd >= 0 ? std::span<const int>(&fd, 1) : std::span<const int>();
    for (int i = 0; i < kReportTries; ++i) {
      const auto sent = ipc::send_with_fds(socket_, bytes, fds, 0);
      if (sent && sent->state != ipc::Transfer::WouldBlock) return;
      ::poll(nullptr, 0, kReportPauseMs);
    }
  }

  // One request; false when the daemon is gone.
  bool serve() {
    ForkRequest request;
    std::vector<UniqueFd> fds;
    const auto got = ipc::receive_with_fds(
        socket_, std::as_writable_bytes(std::span(&request, 1)), fds, 0);
    if (!got || got->state != ipc::Transfer::Moved) return false;
    if (got->bytes != sizeof request || fds.size() != 3) return false;
    fork_worker(request.serial, std::move(fds));
    return true;
  }

  void fork_worker(std::uint64_t serial, std::vector<UniqueFd> fds) {
    ZygoteMessage message;
    message.serial = serial;
    const pid_t zygote = ::getpid();
    const pid_t pid = ::fork();
    if (pid == 0) {
      ::close(socket_);
      if (owner_ >= 0) ::close(owner_);
      deaths_.reset();
      sigprocmask(SIG_UNBLOCK, &child_signal_, nullptr);
      // The zygote may be gone already: then nobody would ever end this process.
      ::prctl(PR_SET_PDEATHSIG, SIGKILL);
      if (::getppid() != zygote) ::_exit(0);
      // A group of its own: a kernel that signals its group hits itself alone, and what
      // it forked can be ended with it.
      ::setpgid(0, 0);
      ::prctl(PR_SET_NAME, "tally-worker");
      ::_exit(worker_main(std::move(fds[0]), std::move(fds[1]),
                          WorkerOutput(std::move(fds[2])), std::move(sandbox_)));
    }
    if (pid < 0) {
      message.report = ZygoteReport::ForkFailed;
      message.code = errno;
      report(message, -1);
      return;
    }
    const UniqueFd pidfd(static_cast<int>(::syscall(SYS_pidfd_open, pid, 0)));
    workers_[pid] = serial;
    if (!pidfd) {  // the daemon could never end it
      message.report = ZygoteReport::ForkFailed;
      message.code = errno;
      ::kill(pid, SIGKILL);
      report(message, -1);
      return;
    }
    message.report = ZygoteReport::Forked;
    message.pid = pid;
    report(message, pidfd.get());
  }

  void reap() {
    signalfd_siginfo ignored;
    while (::read(deaths_.get(), &ignored, sizeof ignored) > 0) {
    }
    for (;;) {
      siginfo_t death{};
      // Not reaped yet, so its number is no other group's.
      if (::waitid(P_ALL, 0, &death, WEXITED | WNOHANG | WNOWAIT) != 0) return;
      if (death.si_pid == 0) return;
      ::kill(-death.si_pid, SIGKILL);
      const auto dead = static_cast<id_t>(death.si_pid);
      rusage usage{};
      // The raw call: glibc's waitid has no rusage.
      if (::syscall(SYS_waitid, P_PID, dead, &death, WEXITED | WNOHANG, &usage) != 0)
        return;
      ZygoteMessage message;
      message.report = ZygoteReport::Died;
      message.pid = death.si_pid;
      message.serial = workers_[death.si_pid];
      message.code = death.si_code;
      message.status = death.si_status;
      message.user_ns = nanoseconds(usage.ru_utime);
      message.system_ns = nanoseconds(usage.ru_stime);
      message.max_rss_bytes = static_cast<std::uint64_t>(usage.ru_maxrss) * 1024;
      workers_.erase(death.si_pid);
      report(message, -1);
    }
  }

  const int socket_;
  const int owner_;
  WorkerSandbox sandbox_;  // entered by the workers, not by us
  sigset_t child_signal_{};
  UniqueFd deaths_;
  std::map<pid_t, std::uint64_t> workers_;  // serials of the living
};

}  // namespace

int zygote_main(int socket, int owner, const SandboxPlan& sandbox) {
  if (owner < 0) ::prctl(PR_SET_PDEATHSIG, SIGKILL);
  ::prctl(PR_SET_NAME, "tally-zygote");
  ::signal(SIGPIPE, SIG_IGN);
  Result<WorkerSandbox> prepared = WorkerSandbox::prepare(sandbox);
  if (!prepared) {
    std::fprintf(stderr, "tally-worker: the sandbox of workers: %s\n",
                 prepared.error().message().c_str());
    return 1;
  }
  return ForkServer(socket, owner, *std::move(prepared)).run();
}

}  // namespace tally::exec

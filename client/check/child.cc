#include "client/check/child.h"

#include <fcntl.h>
#include <poll.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <csignal>
#include <cstdio>
#include <exception>

#include "ipc/base/unique_fd.h"

namespace tally::check {
namespace {

using Clock = std::chrono::steady_clock;

constexpr rlim_t kPrinted = rlim_t{64} << 20U;  // bytes of output
constexpr std::size_t kQuoted = 200;
constexpr std::size_t kMostAnswer = 1U << 20U;
constexpr int kNoAnswer = 99;

[[noreturn]] void be_child(const std::function<std::string()>& body, int answer,
                           int printed) {
  ::prctl(PR_SET_PDEATHSIG, SIGKILL);
  ::setpgid(0, 0);  // what a kernel forks is ended with it
  ::dup2(printed, STDOUT_FILENO);
  ::dup2(printed, STDERR_FILENO);
  ::signal(SIGXFSZ, SIG_IGN);
  // A crash is to be one, also where a sanitizer or a host would catch it.
  for (const int crash : {SIGSEGV, SIGBUS, SIGFPE, SIGILL, SIGABRT})
    ::signal(crash, SIG_DFL);
  const rlimit none{0, 0};
  const rlimit output{kPrinted, kPrinted};
  ::setrlimit(RLIMIT_CORE, &none);
  ::setrlimit(RLIMIT_FSIZE, &output);
#ifndef TALLY_SANITIZED
  constexpr rlim_t kMemory = rlim_t{4} << 30U;  // bytes of private memory
  const rlimit memory{kMemory, kMemory};
  ::setrlimit(RLIMIT_DATA, &memory);
#endif
  std::string text;
  try {
    text = body();
  } catch (...) {
    std::_Exit(kNoAnswer);
  }
  std::fflush(nullptr);
  std::size_t sent = 0;
  while (sent < text.size()) {
    const ssize_t wrote = ::write(answer, text.data() + sent, text.size() - sent);
    if (wrote < 0) std::_Exit(kNoAnswer);
    sent += static_cast<std::size_t>(wrote);
  }
  std::_Exit(0);
}

// Takes what the child answers until it has ended; false if the time is over before.
// Others may hold its end of the pipe, or it none: only its own end counts.
bool follow(int child, int from, Clock::time_point until, std::string& answer) {
  for (bool open = true;;) {
    const auto left =
        std::chrono::duration_cast<std::chrono::milliseconds>(until - Clock::now());
    if (left.count() <= 0) return false;
    std::array<pollfd, 2> wait{{{child, POLLIN, 0}, {open ? from : -1, POLLIN, 0}}};
    const int ready =
        ::poll(wait.data(), wait.size(), static_cast<int>(left.count()) + 1);
    if (ready < 0 && errno != EINTR) return false;
    if (ready <= 0) continue;
    if (wait[1].revents != 0) {
      std::array<char, 4096> part{};
      const ssize_t got = ::read(from, part.data(), part.size());
      if (got > 0) answer.append(part.data(), static_cast<std::size_t>(got));
      if (got == 0 || (got < 0 && errno != EINTR)) open = false;
      if (answer.size() > kMostAnswer) open = false;
    } else if (wait[0].revents != 0) {
      return true;
    }
  }
}

void quote(int printed, ChildEnd& end) {
  struct stat about {};
  if (::fstat(printed, &about) != 0) return;
  end.printed_bytes = static_cast<std::uint64_t>(about.st_size);
  std::array<char, kQuoted> first{};
  const ssize_t got = ::pread(printed, first.data(), first.size(), 0);
  if (got > 0) end.printed.assign(first.data(), static_cast<std::size_t>(got));
}

}  // namespace

Result<ChildEnd> run_in_child(const std::function<std::string()>& body,
                              std::chrono::milliseconds limit) {
  std::array<int, 2> ends{};
  if (::pipe2(ends.data(), O_CLOEXEC) != 0) return Error::from_errno("pipe");
  UniqueFd reads(ends[0]);
  UniqueFd writes(ends[1]);
  const UniqueFd printed(::memfd_create("tally-check", MFD_CLOEXEC));
  if (!printed) return Error::from_errno("memfd_create");
  std::fflush(nullptr);  // else the child would print it again
  const pid_t pid = ::fork();
  if (pid < 0) return Error::from_errno("fork");
  if (pid == 0) be_child(body, writes.get(), printed.get());
  ::setpgid(pid, pid);  // whoever of the two comes first
  writes.reset();
  ChildEnd end;
  const UniqueFd child(static_cast<int>(::syscall(SYS_pidfd_open, pid, 0)));
  const bool in_time =
      child && follow(child.get(), reads.get(), Clock::now() + limit, end.answer);
  ::kill(-pid, SIGKILL);  // not reaped yet, so its number is no other group's
  int status = 0;
  while (::waitpid(pid, &status, 0) < 0 && errno == EINTR) {
  }
  quote(printed.get(), end);
  if (!in_time) {
    end.how = ChildEnd::How::TimedOut;
  } else if (WIFSIGNALED(status)) {
    end.signal = WTERMSIG(status);
  } else if (WEXITSTATUS(status) == 0) {
    end.how = ChildEnd::How::Answered;
  } else {
    end.exit_code = WEXITSTATUS(status);
  }
  return end;
}

}  // namespace tally::check

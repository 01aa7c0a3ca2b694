#include "runtime/exec/process/spawn_zygote.h"

#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <spawn.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <cstddef>
#include <cstring>
#include <utility>

#include "runtime/exec/process/sandbox_environment.h"
#include "runtime/exec/process/zygote_protocol.h"

extern char** environ;

// glibc's other name for clone(). Under the plain one ThreadSanitizer, which may be the
// host's, takes the call for a fork that copies its state; here that is shared.
// NOLINTNEXTLINE(bugprone-reserved-identifier)
extern "C" int __clone(int (*run)(void*), void* stack, int flags, void* argument, ...);

namespace tally::exec {
namespace {

constexpr std::size_t kStackBytes = std::size_t{256} << 10;

UniqueFd pidfd_of(pid_t pid) {
  return UniqueFd(static_cast<int>(::syscall(SYS_pidfd_open, pid, 0)));
}

// A duplicate that is none of the numbers that descriptors are placed at.
Result<UniqueFd> out_of_the_way(int fd) {
  UniqueFd copy(::fcntl(fd, F_DUPFD_CLOEXEC, kZygoteOwner + 1));
  if (!copy) return Error::from_errno("duplicating the zygote's descriptor");
  return copy;
}

// posix_spawn with a clean slate: no descriptor of ours but those given, default
// signals, nothing blocked, a process group of its own (a Ctrl-C is for the program
// that embeds us, not for its workers).
class Spawn {
 public:
  // `owner` -1: none. All strings must outlive it.
  Spawn(const ZygoteOptions& options, int socket, int owner)
      : program_(options.program),
        argument_(owner < 0 ? kZygoteArgument : kOrphanArgument),
        sandbox_(argument_of(options.sandbox)) {
    posix_spawn_file_actions_init(&files_);
    posix_spawn_file_actions_addopen(&files_, 0, "/dev/null", O_RDONLY, 0);
    posix_spawn_file_actions_adddup2(&files_, socket, kZygoteSocket);
    if (owner >= 0) posix_spawn_file_actions_adddup2(&files_, owner, kZygoteOwner);
    posix_spawn_file_actions_addclosefrom_np(
        &files_, (owner < 0 ? kZygoteSocket : kZygoteOwner) + 1);
    posix_spawnattr_init(&attributes_);
    sigset_t none;
    sigset_t all;
    sigemptyset(&none);
    sigfillset(&all);
    posix_spawnattr_setsigmask(&attributes_, &none);
    posix_spawnattr_setsigdefault(&attributes_, &all);
    posix_spawnattr_setpgroup(&attributes_, 0);
    posix_spawnattr_setflags(&attributes_, POSIX_SPAWN_SETSIGMASK |
                                               POSIX_SPAWN_SETSIGDEF |
                                               POSIX_SPAWN_SETPGROUP);
    if (options.environment) {
      for (const std::string& variable : *options.environment)
        pass_on(variable.c_str());
    } else {
      for (char** variable = environ; variable != nullptr && *variable != nullptr;
           ++variable)
        pass_on(*variable);
    }
    environment_.push_back(nullptr);
  }
  ~Spawn() {
    posix_spawn_file_actions_destroy(&files_);
    posix_spawnattr_destroy(&attributes_);
  }
  Spawn(const Spawn&) = delete;
  Spawn& operator=(const Spawn&) = delete;

  // As a child of the caller.
  void run() {
    char* const arguments[] = {program_.data(), argument_.data(), sandbox_.data(),
                               nullptr};
    failed_ = ::posix_spawn(&pid_, program_.c_str(), &files_, &attributes_, arguments,
                            environment_.data());
    // A child not yet reaped: the pid still names it.
    if (failed_ == 0) pidfd_ = pidfd_of(pid_);
    if (failed_ == 0 && !pidfd_) pidfd_error_ = errno;
  }

  // As an orphan: by a process in between, which ends at once. It shares our memory
  // and descriptors and is waited for, as posix_spawn's own child is before it
  // executes; nothing is copied. It raises no signal when it ends, and only a wait for
  // such children (__WCLONE) sees it. (Of the zygote itself that cannot be had:
  // executing a program makes any child one that raises SIGCHLD.)
  Result<void> run_orphaned() {
    void* const stack = ::mmap(nullptr, kStackBytes, PROT_READ | PROT_WRITE,
                               MAP_PRIVATE | MAP_ANONYMOUS | MAP_STACK, -1, 0);
    if (stack == MAP_FAILED) return Error::from_errno("a stack for spawning");
    const auto in_between = [](void* self) {
      static_cast<Spawn*>(self)->run();
      return 0;
    };
    const pid_t between =
        __clone(in_between, static_cast<std::byte*>(stack) + kStackBytes,
                CLONE_VM | CLONE_VFORK | CLONE_FILES, this);
    const int error = errno;
    if (between > 0)
      while (::waitpid(between, nullptr, static_cast<int>(__WCLONE)) < 0 &&
             errno == EINTR) {
      }
    ::munmap(stack, kStackBytes);
    if (between > 0) return {};
    errno = error;
    return Error::from_errno("clone");
  }

  Result<SpawnedZygote> outcome() {
    if (failed_ != 0)
      return Error(failed_ == ENOENT ? Errc::NotFound : Errc::Io,
                   failed_ == ENOENT ? "no_worker_program" : "io",
                   "cannot start " + program_ + ": " + std::strerror(failed_));
    if (pidfd_) return SpawnedZygote{pid_, std::move(pidfd_)};
    // It ends by itself once its socket is closed.
    errno = pidfd_error_;
    return Error::from_errno("pidfd_open");
  }

 private:
  void pass_on(const char* variable) {
    if (is_for_workers(variable)) environment_.push_back(const_cast<char*>(variable));
  }

  std::string program_;
  std::string argument_;
  std::string sandbox_;
  posix_spawn_file_actions_t files_;
  posix_spawnattr_t attributes_;
  std::vector<char*> environment_;

  pid_t pid_ = 0;
  int failed_ = 0;
  UniqueFd pidfd_;
  int pidfd_error_ = 0;
};

}  // namespace

Result<SpawnedZygote> spawn_zygote(const ZygoteOptions& options, int socket) {
  const Result<UniqueFd> end = out_of_the_way(socket);
  if (!end) return end.error();
  if (!options.orphan) {
    Spawn spawn(options, end->get(), -1);
    spawn.run();
    return spawn.outcome();
  }
  const UniqueFd self = pidfd_of(::getpid());
  if (!self) return Error::from_errno("pidfd_open");
  const Result<UniqueFd> owner = out_of_the_way(self.get());
  if (!owner) return owner.error();
  Spawn spawn(options, end->get(), owner->get());
  if (Result<void> ran = spawn.run_orphaned(); !ran) return std::move(ran).error();
  return spawn.outcome();
}

}  // namespace tally::exec

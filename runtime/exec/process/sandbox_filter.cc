#include "runtime/exec/process/sandbox_filter.h"

#include <fcntl.h>
#include <linux/seccomp.h>
#include <sched.h>
#include <seccomp.h>
#include <signal.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/random.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <memory>
#include <utility>

#include "ipc/base/give_way.h"
#include "ipc/base/unique_fd.h"

namespace tally::exec {
namespace {

// Stands for the worker's pid, which is not known when the filter is built; larger than
// any pid (PID_MAX_LIMIT is 2^22).
constexpr std::uint32_t kPidPlace = 0x7461'6c79;

constexpr std::uint64_t kLowHalf = 0xFFFF'FFFF;

constexpr std::array kAllowed{
    // the link and what came over it
    SCMP_SYS(read), SCMP_SYS(write), SCMP_SYS(readv), SCMP_SYS(writev),
    SCMP_SYS(pread64), SCMP_SYS(pwrite64), SCMP_SYS(preadv), SCMP_SYS(pwritev),
    SCMP_SYS(recvmsg), SCMP_SYS(sendmsg), SCMP_SYS(recvfrom), SCMP_SYS(sendto),
    SCMP_SYS(lseek), SCMP_SYS(fstat), SCMP_SYS(ftruncate), SCMP_SYS(fadvise64),
    SCMP_SYS(close), SCMP_SYS(close_range), SCMP_SYS(dup), SCMP_SYS(dup2),
    SCMP_SYS(dup3), SCMP_SYS(poll), SCMP_SYS(ppoll), SCMP_SYS(select),
    SCMP_SYS(pselect6),
    // memory
    SCMP_SYS(mmap), SCMP_SYS(mprotect), SCMP_SYS(munmap), SCMP_SYS(mremap),
    SCMP_SYS(madvise), SCMP_SYS(brk), SCMP_SYS(mincore), SCMP_SYS(memfd_create),
    // time and waiting
    SCMP_SYS(clock_gettime), SCMP_SYS(clock_getres), SCMP_SYS(clock_nanosleep),
    SCMP_SYS(nanosleep), SCMP_SYS(gettimeofday), SCMP_SYS(time), SCMP_SYS(times),
    SCMP_SYS(pause), SCMP_SYS(futex), SCMP_SYS(sched_yield), SCMP_SYS(membarrier),
    // itself
    SCMP_SYS(getpid), SCMP_SYS(gettid), SCMP_SYS(getppid), SCMP_SYS(getpgrp),
    SCMP_SYS(getuid), SCMP_SYS(geteuid), SCMP_SYS(getgid), SCMP_SYS(getegid),
    SCMP_SYS(getrusage), SCMP_SYS(getrandom), SCMP_SYS(getcpu), SCMP_SYS(getcwd),
    SCMP_SYS(uname), SCMP_SYS(sysinfo), SCMP_SYS(sched_getaffinity), SCMP_SYS(umask),
    SCMP_SYS(chdir),
    // its threads and signals
    SCMP_SYS(set_robust_list), SCMP_SYS(rseq), SCMP_SYS(sigaltstack),
    SCMP_SYS(rt_sigprocmask), SCMP_SYS(rt_sigpending), SCMP_SYS(rt_sigreturn),
    SCMP_SYS(restart_syscall), SCMP_SYS(exit), SCMP_SYS(exit_group)};

// Of fcntl nothing that names another process (F_SETOWN), of prctl nothing that lasts.
constexpr std::array kFileControls{F_DUPFD, F_DUPFD_CLOEXEC, F_GETFD,    F_SETFD,
                                   F_GETFL, F_GET_SEALS,     F_ADD_SEALS};
constexpr std::array kProcessControls{PR_SET_NAME, 0x5356'4d41 /* PR_SET_VMA */};

class Builder {
 public:
  explicit Builder(scmp_filter_ctx context) : context_(context) {}

  template <typename... Conditions>
  void allow(int call, Conditions... conditions) {
    rule(SCMP_ACT_ALLOW, call, conditions...);
  }
  template <typename... Conditions>
  void rule(std::uint32_t action, int call, Conditions... conditions) {
    if (failed_ != 0) return;
    failed_ = ::seccomp_rule_add(context_, action, call, sizeof...(conditions),
                                 conditions...);
    // A call that this processor does not have cannot be made, so need not be allowed.
    if (failed_ == -EDOM) failed_ = 0;
  }
  // Negative: libseccomp's -errno.
  int failed() const { return failed_; }

 private:
  scmp_filter_ctx context_;
  int failed_ = 0;
};

// Only the low half: the kernel takes these arguments for ints and ignores the rest.
scmp_arg_cmp is(unsigned argument, std::uint32_t value) {
  return scmp_arg_cmp{argument, SCMP_CMP_MASKED_EQ, kLowHalf, value};
}
scmp_arg_cmp has_none_of(unsigned argument, std::uint32_t bits) {
  return scmp_arg_cmp{argument, SCMP_CMP_MASKED_EQ, bits, 0};
}
scmp_arg_cmp has_all_of(unsigned argument, std::uint32_t bits) {
  return scmp_arg_cmp{argument, SCMP_CMP_MASKED_EQ, bits, bits};
}

void add_rules(Builder& add, std::uint64_t pass) {
  for (const int call : kAllowed) add.allow(call);
  for (const int control : kFileControls)
    add.allow(SCMP_SYS(fcntl), is(1, static_cast<std::uint32_t>(control)));
  for (const int control : kProcessControls)
    add.allow(SCMP_SYS(prctl), is(0, static_cast<std::uint32_t>(control)));
  // What stdio asks, whether it writes to a terminal.
  add.allow(SCMP_SYS(ioctl), is(1, TCGETS));
  // Its own limits, which it can only lower.
  add.allow(SCMP_SYS(prlimit64), is(0, 0));
  // A long chunk gives way, and then no more; the two values that takes.
  const int own = own_niceness();
  for (const int niceness : {own, own + kNiceSteps})
    add.allow(SCMP_SYS(setpriority), is(0, PRIO_PROCESS), is(1, 0),
              is(2, static_cast<std::uint32_t>(niceness)));
  // Signals to itself: what abort() and raise() do.
  add.allow(SCMP_SYS(kill), is(0, kPidPlace));
  add.allow(SCMP_SYS(tgkill), is(0, kPidPlace));
  // All handlers but the trap's. Compared are 64 bits, of which the call takes 32: what
  // is let through is named, not what is not.
  constexpr std::uint64_t kAllButLow5 = ~std::uint64_t{31};
  add.allow(SCMP_SYS(rt_sigaction), scmp_arg_cmp{0, SCMP_CMP_LT, SIGSYS, 0});
  add.allow(SCMP_SYS(rt_sigaction),
            scmp_arg_cmp{0, SCMP_CMP_MASKED_EQ, kAllButLow5, 32});
  add.allow(SCMP_SYS(rt_sigaction), is(0, 64));
  // Threads, no processes. Of clone3 the flags are out of our sight; told that there is
  // none, the C library uses clone.
  add.allow(SCMP_SYS(clone), has_all_of(0, CLONE_THREAD));
  add.rule(SCMP_ACT_ERRNO(ENOSYS), SCMP_SYS(clone3));
  // By descriptor always; by path with the pass only, and never to write.
  add.allow(SCMP_SYS(newfstatat), has_all_of(3, AT_EMPTY_PATH));
  const scmp_arg_cmp passed{5, SCMP_CMP_EQ, pass, 0};
  add.allow(SCMP_SYS(newfstatat), passed);
  add.allow(SCMP_SYS(openat), passed,
            has_none_of(2, O_ACCMODE | O_CREAT | O_TRUNC | O_APPEND));
}

Error from_seccomp(int failed, const char* what) {
  errno = -failed;
  return Error::from_errno(what);
}

// libseccomp 2.5 exports to descriptors only.
Result<std::vector<sock_filter>> exported(scmp_filter_ctx context) {
  const UniqueFd file(
      static_cast<int>(::syscall(SYS_memfd_create, "tally-filter", MFD_CLOEXEC)));
  if (!file) return Error::from_errno("memfd_create");
  if (const int failed = ::seccomp_export_bpf(context, file.get()); failed != 0)
    return from_seccomp(failed, "seccomp_export_bpf");
  const off_t bytes = ::lseek(file.get(), 0, SEEK_END);
  if (bytes <= 0 || bytes % static_cast<off_t>(sizeof(sock_filter)) != 0)
    return Error(Errc::Internal, "libseccomp exported no filter");
  std::vector<sock_filter> program(static_cast<std::size_t>(bytes) /
                                   sizeof(sock_filter));
  if (::pread(file.get(), program.data(), static_cast<std::size_t>(bytes), 0) != bytes)
    return Error::from_errno("reading the filter");
  return program;
}

}  // namespace

Result<SyscallFilter> SyscallFilter::build() {
  SyscallFilter filter;
  if (::getrandom(&filter.pass_, sizeof filter.pass_, 0) !=
      static_cast<ssize_t>(sizeof filter.pass_))
    return Error::from_errno("getrandom");
  const std::unique_ptr<void, decltype(&::seccomp_release)> context(
      ::seccomp_init(SCMP_ACT_TRAP), ::seccomp_release);
  if (context == nullptr) return Error(Errc::Internal, "seccomp_init failed");
  // Calls of another ABI (32 bits, x32) are no less denied.
  int failed =
      ::seccomp_attr_set(context.get(), SCMP_FLTATR_ACT_BADARCH, SCMP_ACT_TRAP);
  if (failed == 0)  // a tree in place of a list, for those with conditions
    failed = ::seccomp_attr_set(context.get(), SCMP_FLTATR_CTL_OPTIMIZE, 2);
  Builder builder(context.get());
  add_rules(builder, filter.pass_);
  if (failed == 0) failed = builder.failed();
  if (failed != 0) return from_seccomp(failed, "building the filter of system calls");
  Result<std::vector<sock_filter>> program = exported(context.get());
  if (!program) return std::move(program).error();
  filter.program_ = *std::move(program);
  return filter;
}

Result<void> SyscallFilter::enter() {
  const auto pid = static_cast<std::uint32_t>(::getpid());
  bool placed = false;
  for (sock_filter& instruction : program_) {
    if (BPF_CLASS(instruction.code) != BPF_JMP || instruction.k != kPidPlace) continue;
    instruction.k = pid;
    placed = true;
  }
  if (!placed) return Error(Errc::Internal, "the filter has no place for the pid");
  const sock_fprog program{static_cast<unsigned short>(program_.size()),
                           program_.data()};
  if (::syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, 0, &program) != 0)
    return Error::from_errno("seccomp");
  return {};
}

}  // namespace tally::exec

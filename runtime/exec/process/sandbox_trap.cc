#include "runtime/exec/process/sandbox_trap.h"

#include <fcntl.h>
#include <signal.h>
#include <sys/syscall.h>
#include <ucontext.h>
#include <unistd.h>

#include <cerrno>
#include <csignal>
#include <cstring>

namespace tally::exec {
namespace {

// A handler has no other way to its data. Constant once the filter is entered.
ChunkPage* trap_page = nullptr;
std::uint64_t trap_pass = 0;

// The registers of the call that was trapped.
#if defined(__x86_64__)
std::uint64_t argument(const ucontext_t& context, int index) {
  constexpr int kRegisters[] = {REG_RDI, REG_RSI, REG_RDX, REG_R10};
  return static_cast<std::uint64_t>(context.uc_mcontext.gregs[kRegisters[index]]);
}
void set_result(ucontext_t& context, long result) {
  context.uc_mcontext.gregs[REG_RAX] = result;
}
#elif defined(__aarch64__)
std::uint64_t argument(const ucontext_t& context, int index) {
  return context.uc_mcontext.regs[index];
}
void set_result(ucontext_t& context, long result) {
  context.uc_mcontext.regs[0] = static_cast<std::uint64_t>(result);
}
#else  // plan_sandbox() knows that there is no trap
std::uint64_t argument(const ucontext_t&, int) {
  return 0;
}
void set_result(ucontext_t&, long) {}
#endif

constexpr int kBySeccomp = 1;  // si_code SYS_SECCOMP, which glibc 2.36 has not

bool is_loading() {
  return trap_page->call.load(std::memory_order_relaxed) == KernelCall::Load;
}

// Would the filter let it pass? Else this ends in here, by a second signal.
bool is_of_the_loader(int call, const ucontext_t& context) {
  if (call == SYS_newfstatat) return true;
  if (call != SYS_openat) return false;
  constexpr std::uint64_t kWrites = O_ACCMODE | O_CREAT | O_TRUNC | O_APPEND;
  return (argument(context, 2) & kWrites) == 0;
}

// What the C library asks of the system by itself and can do without: free() in a
// thread whether memory is overcommitted, the count of processors.
bool is_of_the_c_library(int call, const ucontext_t& context) {
  if (call != SYS_openat || (argument(context, 2) & O_ACCMODE) != O_RDONLY)
    return false;
  const auto* const path = reinterpret_cast<const char*>(argument(context, 1));
  if (path == nullptr) return false;
  for (const char* const known : {"/proc/sys/vm/overcommit_memory",
                                  "/sys/devices/system/cpu/online", "/proc/stat"})
    if (std::strcmp(path, known) == 0) return true;
  return false;
}

void on_denied(int, siginfo_t* info, void* ucontext) {
  auto& context = *static_cast<ucontext_t*>(ucontext);
  const int saved = errno;
  if (info->si_code == kBySeccomp) {
    if (is_loading() && is_of_the_loader(info->si_syscall, context)) {
      const long result =
          ::syscall(info->si_syscall, argument(context, 0), argument(context, 1),
                    argument(context, 2), argument(context, 3), 0L, trap_pass);
      set_result(context, result < 0 ? -errno : result);
      errno = saved;
      return;
    }
    if (is_of_the_c_library(info->si_syscall, context))
      return set_result(context, -EACCES);
    trap_page->denied_arch.store(info->si_arch, std::memory_order_relaxed);
    trap_page->denied_call.store(static_cast<std::uint32_t>(info->si_syscall) + 1,
                                 std::memory_order_release);
  }
  // Another denied call: its SIGSYS is blocked in here, so the kernel takes the
  // default, which ends the process by it. (The handler itself nobody may take away.)
  for (;;) ::syscall(SYS_ptrace, 0, 0, 0, 0);
}

}  // namespace

Result<void> set_trap(ChunkPage& page, std::uint64_t pass) {
  trap_page = &page;
  trap_pass = pass;
  struct sigaction action {};
  action.sa_sigaction = on_denied;
  action.sa_flags = SA_SIGINFO;
  sigemptyset(&action.sa_mask);
  if (::sigaction(SIGSYS, &action, nullptr) != 0) return Error::from_errno("sigaction");
  unblock_trap();
  return {};
}

void unblock_trap() {
  sigset_t trap;
  sigemptyset(&trap);
  sigaddset(&trap, SIGSYS);
  ::sigprocmask(SIG_UNBLOCK, &trap, nullptr);
}

}  // namespace tally::exec

#include "runtime/exec/process/death.h"

#include <seccomp.h>
#include <signal.h>
#include <string.h>
#include <sys/wait.h>

#include <cstdlib>
#include <memory>
#include <string>
#include <utility>

#include "runtime/account/process_state.h"

namespace tally::exec {
namespace {

std::string signal_name(int number) {
  const char* name = ::sigabbrev_np(number);
  return name != nullptr ? "SIG" + std::string(name)
                         : "signal " + std::to_string(number);
}

Error with_worker(Error error, std::uint32_t worker, std::int64_t pid) {
  return std::move(error).with("worker", std::int64_t{worker}).with("pid", pid);
}

std::string named(std::uint32_t worker, std::int64_t pid) {
  return "worker " + std::to_string(worker) + " (pid " + std::to_string(pid) + ")";
}

std::int64_t milliseconds_of(std::chrono::nanoseconds time) {
  return std::chrono::duration_cast<std::chrono::milliseconds>(time).count();
}

std::string letter(char process_state) {
  return process_state == '\0' ? std::string("?") : std::string(1, process_state);
}

std::string in_words(char process_state) {
  return std::string(account::state_word(process_state)) + " (" +
         letter(process_state) + ")";
}

std::string call_name(std::uint32_t arch, std::uint32_t number) {
  const std::unique_ptr<char, decltype(&std::free)> name(
      ::seccomp_syscall_resolve_num_arch(arch, static_cast<int>(number)), std::free);
  return name != nullptr ? name.get() : "call " + std::to_string(number);
}

}  // namespace

Error death_cause(std::uint32_t worker, const ZygoteMessage& death,
                  const account::OomKills::Evidence& oom) {
  const std::string who = named(worker, death.pid);
  if (death.code == CLD_EXITED)
    return with_worker(
        Error(Errc::WorkerLost, "worker_exited",
              who + " exited with status " + std::to_string(death.status) +
                  ", which nobody asked of it")
            .with("exit_status", std::int64_t{death.status}),
        worker, death.pid);
  const std::string signal = signal_name(death.status);
  if (death.status != SIGKILL)
    return with_worker(
        Error(
            Errc::WorkerLost, "worker_killed",
            who + " was killed by " + signal +
                (death.status == SIGXCPU ? ", the signal of a limit of CPU time" : ""))
            .with("signal", signal),
        worker, death.pid);
  const std::string message =
      oom.rose
          ? who + " was killed by the kernel (SIGKILL), for want of memory: "
          : who + " was killed by SIGKILL, and not by tallyd; who did is unknown: ";
  return with_worker(
      Error(Errc::WorkerLost, oom.rose ? "worker_oom_killed" : "worker_killed",
            message + oom.checked)
          .with("signal", signal)
          .with("checked", oom.checked),
      worker, death.pid);
}

Error denied_call(std::uint32_t worker, const ZygoteMessage& death,
                  const ChunkPage& page) {
  const std::string who = named(worker, death.pid);
  const std::uint32_t call = page.denied_call.load(std::memory_order_acquire);
  if (call == 0)
    return with_worker(
        Error(Errc::WorkerLost, "worker_denied_call",
              who +
                  " was ended by SIGSYS, as for a system call that its sandbox denies; "
                  "which is unknown: SIGSYS was blocked, or sent")
            .with("signal", "SIGSYS"),
        worker, death.pid);
  const std::string name =
      call_name(page.denied_arch.load(std::memory_order_relaxed), call - 1);
  return with_worker(
      Error(Errc::WorkerLost, "worker_denied_call",
            who + " made the system call " + name + ", which its sandbox denies")
          .with("syscall", name)
          .with("number", std::int64_t{call - 1})
          .with("signal", "SIGSYS"),
      worker, death.pid);
}

Error unknown_death(std::uint32_t worker, std::uint32_t pid, char process_state) {
  const std::string checked =
      pid == 0 ? std::string("the zygote had not told of its process yet")
      : process_state == '\0'
          ? std::string("its process is gone, and the zygote did not say how it ended")
          : "the zygote told of no end, and its process is " + in_words(process_state);
  return with_worker(Error(Errc::WorkerLost, "worker_lost",
                           named(worker, pid) + " closed its link: " + checked)
                         .with("checked", checked),
                     worker, pid);
}

Error worker_deaf(std::uint32_t worker, std::uint32_t pid, const std::string& doing,
                  char process_state, std::chrono::nanoseconds grace) {
  return with_worker(
      Error(Errc::WorkerLost, "worker_deaf",
            named(worker, pid) + " was ended by us: it did not heed within " +
                std::to_string(milliseconds_of(grace)) +
                " ms that its job was over, at " + doing + "; the process was " +
                in_words(process_state))
          .with("doing", doing),
      worker, pid);
}

Error kernel_stalled(std::uint32_t worker, std::uint32_t pid,
                     std::chrono::nanoseconds limit) {
  const std::int64_t ms = milliseconds_of(limit);
  return with_worker(
      Error(Errc::WorkerLost, "kernel_stalled",
            named(worker, pid) +
                " was killed by us: one call of a kernel went on for " +
                std::to_string(ms) + " ms, the limit ([kernels] stall_timeout)")
          .with("limit_ms", ms),
      worker, pid);
}

Error worker_stalled(const Stall& stall) {
  const std::int64_t ms = milliseconds_of(stall.limit);
  return with_worker(
      Error(Errc::WorkerLost, "worker_stalled",
            named(stall.worker, stall.pid) + " was killed by us: it stood still for " +
                std::to_string(ms) + " ms, the limit (" + stall.setting + "), at " +
                stall.doing + "; the process was " + in_words(stall.process_state))
          .with("limit_ms", ms)
          .with("doing", stall.doing)
          .with("process_state", letter(stall.process_state)),
      stall.worker, stall.pid);
}

}  // namespace tally::exec

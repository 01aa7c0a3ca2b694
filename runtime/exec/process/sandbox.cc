#include "runtime/exec/process/sandbox.h"

#include <linux/seccomp.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <charconv>

#include "runtime/exec/process/sandbox_landlock.h"

namespace tally::exec {
namespace {

// The trap reads and writes the registers of a call, which is written for these.
#if defined(TALLY_SANITIZED)
constexpr std::string_view kWhyOff = "sanitizer build";
#elif defined(__x86_64__) || defined(__aarch64__)
constexpr std::string_view kWhyOff;
#else
constexpr std::string_view kWhyOff = "not written for this processor";
#endif

bool has_seccomp() {
  std::uint32_t action = SECCOMP_RET_TRAP;
  return ::syscall(SYS_seccomp, SECCOMP_GET_ACTION_AVAIL, 0, &action) == 0;
}

Error missing(const char* code, const char* key, const char* what) {
  std::string message = std::string("[sandbox] ") + key + " = \"require\", but ";
  if (!kWhyOff.empty())
    message.append("workers have no sandbox here: ").append(kWhyOff);
  else
    message.append("this kernel does not give it: ").append(what);
  return Error(Errc::InvalidArgument, code, std::move(message));
}

}  // namespace

Result<SandboxPlan> plan_sandbox(const SandboxOptions& options) {
  SandboxPlan plan;
  plan.limits = options.limits;
#ifdef TALLY_SANITIZED  // their shadow memory counts as well
  plan.limits.private_bytes = 0;
#endif
  if (kWhyOff.empty()) {
    if (options.seccomp != SandboxUse::Off) plan.seccomp = has_seccomp();
    if (options.landlock != SandboxUse::Off) plan.landlock_abi = landlock_abi();
  }
  if (options.seccomp == SandboxUse::Require && !plan.seccomp)
    return missing("no_seccomp", "seccomp", "seccomp filters that trap (Linux 4.14)");
  if (options.landlock == SandboxUse::Require && plan.landlock_abi == 0)
    return missing("no_landlock", "landlock",
                   "Landlock (Linux 5.13, and \"landlock\" among its lsm=)");
  return plan;
}

std::string words_of(const SandboxPlan& plan) {
  if (!plan.seccomp && plan.landlock_abi == 0) {
    std::string text = "off: ";
    return text.append(kWhyOff.empty() ? "by [sandbox], or the kernel has nothing of it"
                                       : kWhyOff);
  }
  std::string text = plan.seccomp ? "seccomp" : "no seccomp";
  if (plan.landlock_abi == 0) return text += ", no landlock";
  return text += ", landlock " + std::to_string(plan.landlock_abi);
}

std::string argument_of(const SandboxPlan& plan) {
  return std::string(plan.seccomp ? "1" : "0") + "," +
         std::to_string(plan.landlock_abi) + "," +
         std::to_string(plan.limits.private_bytes) + "," +
         std::to_string(plan.limits.cpu_s);
}

std::optional<SandboxPlan> plan_of(std::string_view argument) {
  if (argument.empty() || (argument[0] != '0' && argument[0] != '1'))
    return std::nullopt;
  SandboxPlan plan;
  plan.seccomp = argument[0] == '1';
  const char* at = argument.data() + 1;
  const char* const end = argument.data() + argument.size();
  const auto next = [&at, end](auto& number) {
    if (at == end || *at != ',') return false;
    const auto read = std::from_chars(at + 1, end, number);
    at = read.ptr;
    return read.ec == std::errc();
  };
  if (!next(plan.landlock_abi) || !next(plan.limits.private_bytes) ||
      !next(plan.limits.cpu_s) || at != end)
    return std::nullopt;
  return plan;
}

}  // namespace tally::exec

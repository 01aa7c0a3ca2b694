#include "runtime/exec/process/sandbox_landlock.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstddef>

#ifndef SYS_landlock_create_ruleset
#define SYS_landlock_create_ruleset 444
#define SYS_landlock_add_rule 445
#define SYS_landlock_restrict_self 446
#endif

namespace tally::exec {
namespace {

// As in the kernel's include/uapi/linux/landlock.h. A kernel takes a shorter struct for
// an older one.
struct RulesetAttributes {
  std::uint64_t handled_access_fs;
  std::uint64_t handled_access_net;  // from 4
  std::uint64_t scoped;              // from 6
};
struct [[gnu::packed]] PathBeneath {
  std::uint64_t allowed_access;
  std::int32_t parent_fd;
};
constexpr std::uint32_t kVersionFlag = 1;
constexpr int kRulePathBeneath = 1;
constexpr std::uint64_t kReadFile = 1U << 2;

std::uint64_t lowest_bits(unsigned count) {
  return (std::uint64_t{1} << count) - 1;
}

// Execute to make_sym; then refer, truncate and ioctl_dev were added.
std::uint64_t accesses_of(std::uint32_t abi) {
  if (abi >= 5) return lowest_bits(16);
  if (abi >= 3) return lowest_bits(15);
  return lowest_bits(abi == 2 ? 14 : 13);
}

std::size_t size_of_attributes(std::uint32_t abi) {
  if (abi >= 6) return sizeof(RulesetAttributes);
  return abi >= 4 ? offsetof(RulesetAttributes, scoped)
                  : offsetof(RulesetAttributes, handled_access_net);
}

// Where the loader looks; what is not there is left out.
constexpr std::array kLibraries{"/lib",       "/lib64",         "/usr/lib",
                                "/usr/lib64", "/usr/local/lib", "/etc/ld.so.cache"};

Result<void> let_read(int ruleset, const char* path) {
  const UniqueFd place(::open(path, O_PATH | O_CLOEXEC));
  if (!place) return {};
  const PathBeneath rule{kReadFile, place.get()};
  if (::syscall(SYS_landlock_add_rule, ruleset, kRulePathBeneath, &rule, 0) != 0)
    return Error::from_errno(path);
  return {};
}

}  // namespace

std::uint32_t landlock_abi() {
  const long version = ::syscall(SYS_landlock_create_ruleset, nullptr, 0, kVersionFlag);
  return version > 0 ? static_cast<std::uint32_t>(version) : 0;
}

Result<UniqueFd> landlock_ruleset(std::uint32_t abi) {
  const RulesetAttributes all{accesses_of(abi), lowest_bits(2), lowest_bits(2)};
  UniqueFd ruleset(static_cast<int>(
      ::syscall(SYS_landlock_create_ruleset, &all, size_of_attributes(abi), 0)));
  if (!ruleset) return Error::from_errno("landlock_create_ruleset");
  for (const char* path : kLibraries)
    if (Result<void> let = let_read(ruleset.get(), path); !let)
      return std::move(let).error();
  return ruleset;
}

Result<void> enter_landlock(const UniqueFd& ruleset) {
  if (::syscall(SYS_landlock_restrict_self, ruleset.get(), 0) != 0)
    return Error::from_errno("landlock_restrict_self");
  return {};
}

}  // namespace tally::exec

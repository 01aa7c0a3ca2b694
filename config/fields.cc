#include "config/fields.h"

#include <sys/un.h>

#include <algorithm>
#include <climits>
#include <cstddef>
#include <span>

#include "config/quantity.h"

namespace tally::config {
namespace {

using std::chrono::hours;
using std::chrono::nanoseconds;

constexpr std::size_t kMostSocketPath = sizeof(sockaddr_un::sun_path) - 1;
constexpr std::size_t kMostPath = PATH_MAX - 1;

bool assign_count(const CountTarget& target, std::int64_t value) {
  if (value < target.least || value > target.most) return false;
  *target.value = static_cast<std::uint32_t>(value);
  return true;
}

bool assign_duration(const DurationTarget& target, std::string_view text) {
  const Result<nanoseconds> parsed = parse_duration(text);
  if (!parsed || *parsed < target.least || *parsed > target.most) return false;
  *target.value = *parsed;
  return true;
}

bool assign_mode(const ModeTarget& target, std::string_view text) {
  if (text.size() < 3 || text.size() > 4) return false;
  std::uint32_t mode = 0;
  for (const char digit : text) {
    if (digit < '0' || digit > '7') return false;
    mode = mode * 8 + static_cast<std::uint32_t>(digit - '0');
  }
  // Without the owner's bits the daemon's own user could not connect.
  if ((mode & kLeastSocketMode) != kLeastSocketMode || mode > kMostSocketMode)
    return false;
  *target.value = mode;
  return true;
}

bool assign_path(const PathTarget& target, std::string_view text) {
  // Relative to what? The directory in which a daemon starts is no one's choice.
  const bool usable = text.empty() || text.front() == '/';
  if (!usable || text.size() > target.most_bytes) return false;
  if (text.find('\0') != std::string_view::npos) return false;
  *target.value = text;
  return true;
}

bool assign_bytes(const BytesTarget& target, std::string_view text) {
  const Result<std::uint64_t> parsed = parse_bytes(text);
  if (!parsed) return false;
  *target.value = *parsed;
  return true;
}

template <typename E>
bool assign_name(E& value, std::span<const std::string_view> names,
                 std::string_view text) {
  const auto found = std::ranges::find(names, text);
  if (found == names.end()) return false;
  value = static_cast<E>(found - names.begin());
  return true;
}

std::string one_of(std::span<const std::string_view> names) {
  std::string list = "one of";
  for (const std::string_view name : names) {
    list += list.ends_with("of") ? " \"" : ", \"";
    list += name;
    list += '"';
  }
  return list;
}

struct TakesInteger {
  std::int64_t given;
  bool operator()(const CountTarget& target) const {
    return assign_count(target, given);
  }
  bool operator()(const BytesTarget& target) const {
    if (given < 0) return false;
    *target.value = static_cast<std::uint64_t>(given);
    return true;
  }
  bool operator()(const auto&) const { return false; }
};

struct TakesText {
  std::string_view given;
  bool operator()(const CountTarget&) const { return false; }
  bool operator()(const DurationTarget& to) const { return assign_duration(to, given); }
  bool operator()(const ModeTarget& to) const { return assign_mode(to, given); }
  bool operator()(const PathTarget& to) const { return assign_path(to, given); }
  bool operator()(const LevelTarget& to) const {
    return assign_name(*to.value, kLogLevelNames, given);
  }
  bool operator()(const LogTargetTarget& to) const {
    return assign_name(*to.value, kLogTargetNames, given);
  }
  bool operator()(const AccountsTarget&) const { return false; }
  bool operator()(const FromClientsTarget& to) const {
    return assign_name(*to.value, kFromClientsNames, given);
  }
  bool operator()(const SandboxUseTarget& to) const {
    return assign_name(*to.value, kSandboxUseNames, given);
  }
  bool operator()(const BytesTarget& to) const { return assign_bytes(to, given); }
  bool operator()(const StringsTarget&) const { return false; }
};

struct SaysAccepted {
  std::string operator()(const CountTarget& target) const {
    return "an integer from " + std::to_string(target.least) + " to " +
           std::to_string(target.most);
  }
  std::string operator()(const DurationTarget& target) const {
    return "a duration (a string such as \"250ms\", \"10s\", \"5min\" or \"1h\") from "
           "\"" +
           format_duration(target.least) + "\" to \"" + format_duration(target.most) +
           "\"";
  }
  std::string operator()(const ModeTarget&) const {
    return "an octal mode (a string) from \"0600\" to \"0777\", the owner allowed to "
           "read and write";
  }
  std::string operator()(const PathTarget& target) const {
    return "\"\" or an absolute path (a string) of at most " +
           std::to_string(target.most_bytes) + " bytes";
  }
  std::string operator()(const LevelTarget&) const { return one_of(kLogLevelNames); }
  std::string operator()(const LogTargetTarget&) const {
    return one_of(kLogTargetNames);
  }
  std::string operator()(const AccountsTarget& target) const {
    return target.kind == AccountKind::User
               ? "an array of user names and uids, such as [\"ada\", 1000]"
               : "an array of group names and gids, such as [\"staff\", 1000]";
  }
  std::string operator()(const FromClientsTarget&) const {
    return one_of(kFromClientsNames);
  }
  std::string operator()(const SandboxUseTarget&) const {
    return one_of(kSandboxUseNames);
  }
  std::string operator()(const BytesTarget&) const {
    return "a size (such as \"64MiB\" or \"1GiB\"), or 0";
  }
  std::string operator()(const StringsTarget& target) const {
    return target.paths ? "an array of absolute paths, such as [\"/usr/lib/x.so\"]"
                        : "an array of kernels' names, such as [\"geomean\"]";
  }
};

Result<void> append(const AccountsTarget& target, const Result<std::uint32_t>& id) {
  if (!id) return id.error();
  if (target.value->size() == kMostAccounts)
    return Error(Errc::InvalidArgument, "too many: at most " +
                                            std::to_string(kMostAccounts) +
                                            " are taken; use a group");
  target.value->push_back(*id);
  return {};
}

bool is_kernel_name(std::string_view text) {
  const auto fits = [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '_';
  };
  return !text.empty() && text.size() <= 64 && text[0] >= 'a' && text[0] <= 'z' &&
         std::ranges::all_of(text, fits);
}

bool is_absolute_path(std::string_view text) {
  return text.starts_with('/') && text.size() <= kMostPath &&
         text.find('\0') == std::string_view::npos;
}

}  // namespace

std::vector<Field> fields_of(Config& config) {
  DaemonConfig& daemon = config.daemon;
  PoolConfig& pool = config.pool;
  LimitsConfig& limits = config.limits;
  AccessConfig& access = config.access;
  KernelsConfig& kernels = config.kernels;
  SandboxConfig& sandbox = config.sandbox;
  constexpr Change kReload = Change::Reload;
  constexpr Change kRestart = Change::Restart;
  return {
      {"daemon", "socket", PathTarget{&daemon.socket, kMostSocketPath}, kRestart},
      {"daemon", "socket_mode", ModeTarget{&daemon.socket_mode}, kRestart},
      {"daemon", "drain_timeout",
       DurationTarget{&daemon.drain_timeout, nanoseconds(0), hours(1)}, kReload},
      {"daemon", "canary", DurationTarget{&daemon.canary, nanoseconds(0), hours(1)},
       kReload},
      {"access", "users", AccountsTarget{&access.users, AccountKind::User}, kReload},
      {"access", "groups", AccountsTarget{&access.groups, AccountKind::Group}, kReload},
      {"access", "administrators",
       AccountsTarget{&access.administrators, AccountKind::User}, kReload},
      {"access", "admin_groups",
       AccountsTarget{&access.admin_groups, AccountKind::Group}, kReload},
      {"pool", "cores", CountTarget{&pool.cores, 0, kMostWorkers}, kRestart},
      {"pool", "workers", CountTarget{&pool.workers, 0, kMostWorkers}, kRestart},
      {"pool", "worker_program", PathTarget{&pool.worker_program, kMostPath}, kRestart},
      {"pool", "attempts", CountTarget{&pool.attempts, 1, 100}, kRestart},
      {"pool", "retries_per_job", CountTarget{&pool.retries_per_job, 1, 1'000'000'000},
       kRestart},
      {"pool", "chunk_timeout",
       DurationTarget{&pool.chunk_timeout, nanoseconds(0), hours(24)}, kRestart},
      {"pool", "recycle_chunks", CountTarget{&pool.recycle_chunks, 0, 1'000'000'000},
       kRestart},
      {"pool", "recycle_growth", BytesTarget{&pool.recycle_growth}, kRestart},
      {"pool", "stall_timeout",
       DurationTarget{&pool.stall_timeout, std::chrono::milliseconds(10), hours(24)},
       kRestart},
      {"sandbox", "seccomp", SandboxUseTarget{&sandbox.seccomp}, kRestart},
      {"sandbox", "landlock", SandboxUseTarget{&sandbox.landlock}, kRestart},
      {"kernels", "files", StringsTarget{&kernels.files, true}, kRestart},
      {"kernels", "in_process", StringsTarget{&kernels.in_process, false}, kRestart},
      {"kernels", "from_clients", FromClientsTarget{&kernels.from_clients}, kRestart},
      {"kernels", "memory", BytesTarget{&kernels.memory}, kRestart},
      {"kernels", "stall_timeout",
       DurationTarget{&kernels.stall_timeout, std::chrono::milliseconds(10), hours(24)},
       kRestart},
      {"threads", "max", CountTarget{&config.threads.max, 1, kMostWorkers}, kRestart},
      {"limits", "sessions", CountTarget{&limits.sessions, 1, 65'536}, kReload},
      {"limits", "sessions_per_user", CountTarget{&limits.sessions_per_user, 0, 65'536},
       kReload},
      {"limits", "jobs", CountTarget{&limits.jobs, 1, 1'000'000}, kRestart},
      {"limits", "jobs_per_user", CountTarget{&limits.jobs_per_user, 0, 1'000'000},
       kRestart},
      {"limits", "chunks", CountTarget{&limits.chunks, 1, 1'000'000'000}, kRestart},
      {"limits", "chunks_per_user",
       CountTarget{&limits.chunks_per_user, 0, 1'000'000'000}, kRestart},
      {"limits", "descriptors", CountTarget{&limits.descriptors, 1, 1'048'576},
       kRestart},
      {"limits", "descriptors_per_user",
       CountTarget{&limits.descriptors_per_user, 0, 1'048'576}, kRestart},
      {"limits", "requests", BytesTarget{&limits.requests}, kRestart},
      {"limits", "requests_per_user", BytesTarget{&limits.requests_per_user}, kRestart},
      {"limits", "pinned", BytesTarget{&limits.pinned}, kRestart},
      {"limits", "pinned_per_user", BytesTarget{&limits.pinned_per_user}, kRestart},
      {"limits", "finished_jobs", CountTarget{&limits.finished_jobs, 0, 1'000'000},
       kRestart},
      {"limits", "finished_age",
       DurationTarget{&limits.finished_age, nanoseconds(0), hours(168)}, kRestart},
      {"limits", "attached_grace",
       DurationTarget{&limits.attached_grace, nanoseconds(0), hours(1)}, kRestart},
      {"log", "level", LevelTarget{&config.log.level}, kReload},
      {"log", "target", LogTargetTarget{&config.log.target}, kRestart},
  };
}

bool assign(const Target& target, std::int64_t value) {
  return std::visit(TakesInteger{value}, target);
}

bool assign(const Target& target, std::string_view value) {
  return std::visit(TakesText{value}, target);
}

Result<void> append_to(const AccountsTarget& target, std::int64_t id) {
  return append(target, account_id(id, target.kind));
}

Result<void> append_to(const AccountsTarget& target, std::string_view name) {
  return append(target, account_named(name, target.kind));
}

Result<void> append_to(const StringsTarget& target, std::string_view text) {
  if (target.paths ? !is_absolute_path(text) : !is_kernel_name(text))
    return Error(Errc::InvalidArgument,
                 target.paths
                     ? "expected an absolute path"
                     : "expected a kernel's name: [a-z][a-z0-9_]*, at most 64");
  if (target.value->size() == kMostStrings)
    return Error(Errc::InvalidArgument,
                 "too many: at most " + std::to_string(kMostStrings) + " are taken");
  target.value->emplace_back(text);
  return {};
}

bool same_value(const Target& left, const Target& right) {
  return std::visit(
      [&right]<typename T>(const T& ours) {
        return *ours.value == *std::get<T>(right).value;
      },
      left);
}

void copy_value(const Target& from, const Target& to) {
  std::visit(
      [&to]<typename T>(const T& source) { *std::get<T>(to).value = *source.value; },
      from);
}

std::string accepted_by(const Target& target) {
  return std::visit(SaysAccepted{}, target);
}

}  // namespace tally::config

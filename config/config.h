// Config: everything that can be set for tallyd, as plain data with its defaults.
//
// A key of the file is `member` of the table named after the struct: `[pool] workers`
// is Config::pool.workers. The accepted ranges live in one table, in load.cc; the
// ranges named here are the same for readers. tallyd.toml is the annotated file.
// SIGHUP makes tallyd read the file again. Keys marked reloadable in fields.cc take
// effect then; for the others a change needs a restart.
#pragma once

#include <chrono>
#include <cstdint>
#include <string>
#include <vector>

namespace tally::config {

enum class LogLevel : std::uint8_t { Trace, Debug, Info, Warn, Error };

// Auto: Journal when systemd connected stderr to the journal ($JOURNAL_STREAM), else
// Stderr. Journal lines carry a priority and leave the time to journald.
enum class LogTarget : std::uint8_t { Auto, Stderr, Journal };

struct DaemonConfig {
  // The socket's absolute path, at most 107 bytes (the kernel's limit). Empty: for
  // root /run/tally/tally.sock, else $XDG_RUNTIME_DIR/tally/tally.sock.
  std::string socket;

  // Permission bits of the socket, from 0600 to 0777. Who may connect needs write
  // permission; the peer's uid is checked in any case.
  std::uint32_t socket_mode = 0600;

  // How long running jobs may take after SIGTERM before they are cancelled; 0 to 1 h.
  std::chrono::nanoseconds drain_timeout = std::chrono::seconds(30);

  // How often a small job of the daemon's own, whose answer is known, goes through each
  // path, for `tally status --health` and the watchdog; 0 to 1 h; 0: never.
  std::chrono::nanoseconds canary = std::chrono::seconds(10);

  friend bool operator==(const DaemonConfig&, const DaemonConfig&) = default;
};

struct AccessConfig {
  // Who may submit jobs besides the daemon's own user and root, who always may: uids,
  // and gids of a primary or supplementary group. The file may give names; they are
  // looked up once, when it is read. At most 4096 each.
  std::vector<std::uint32_t> users;
  std::vector<std::uint32_t> groups;

  // Who also sees and cancels the jobs of others, and may drain the daemon. The
  // daemon's own user and root always may.
  std::vector<std::uint32_t> administrators;
  std::vector<std::uint32_t> admin_groups;

  friend bool operator==(const AccessConfig&, const AccessConfig&) = default;
};

inline constexpr std::uint32_t kMostWorkers = 1024;  // processes or threads

struct PoolConfig {
  // Cores to use, at most kMostWorkers: fewer of them if affinity or the cgroup quota
  // leave fewer. 0: as many as those two leave.
  std::uint32_t cores = 0;

  // Worker processes, at most kMostWorkers. 0: one for each core we may use (affinity,
  // cgroup quota and `cores` counted). More than there are cores costs memory and gains
  // nothing.
  std::uint32_t workers = 0;

  // Absolute path of tally-worker. Empty: beside the tallyd executable, else libexec.
  std::string worker_program;

  // How often one chunk is tried, the first time included, before it is divided to find
  // the part on which workers keep dying, and its job fails; 1 to 100; 1: not divided.
  std::uint32_t attempts = 3;

  // How many attempts one job may lose over all of its chunks before it fails, 1 to
  // 1000000000; a job of many chunks one in ten of them, if that is more.
  std::uint32_t retries_per_job = 1000;

  // How long one chunk may go on before its job fails, 0 to 24 h; 0: for ever.
  std::chrono::nanoseconds chunk_timeout{0};

  // A worker is replaced after so many chunks, up to 1000000000, and when its private
  // memory has grown by so much; 0: never. The next is ready before the old one stops.
  std::uint32_t recycle_chunks = 100'000;
  std::uint64_t recycle_growth = std::uint64_t{256} << 20;

  // How long a worker's chunk may stand still outside of a kernel's call (which
  // [kernels] stall_timeout bounds) before the worker is killed; 10 ms to 24 h.
  std::chrono::nanoseconds stall_timeout = std::chrono::minutes(5);

  friend bool operator==(const PoolConfig&, const PoolConfig&) = default;
};

// Whether jobs may bring kernels of their own. Auto: where the daemon serves one user
// (his own, embedded, private), yes; a system's daemon, no.
enum class FromClients : std::uint8_t { Auto, Yes, No };

// Auto: where the kernel has it. Require: tallyd does not start without it.
enum class SandboxUse : std::uint8_t { Auto, Require, Off };

struct SandboxConfig {
  // The system calls of workers: those that computing takes, no other.
  SandboxUse seccomp = SandboxUse::Auto;

  // The files of workers: those that were passed to them, no other.
  SandboxUse landlock = SandboxUse::Auto;

  friend bool operator==(const SandboxConfig&, const SandboxConfig&) = default;
};

struct KernelsConfig {
  // Absolute paths of shared objects whose kernels every job may name; at most 256.
  // Read when the daemon starts.
  std::vector<std::string> files;

  // Names of kernels in those files that may run in the daemon's own threads, where a
  // crash ends the daemon; at most 256.
  std::vector<std::string> in_process;

  FromClients from_clients = FromClients::Auto;

  // Private memory that a worker may have while it runs kernels; 0: no limit. A kernel
  // that wants more ends its job ("kernel_memory") or its worker.
  std::uint64_t memory = std::uint64_t{1} << 30;

  // How long one call of a kernel (8,192 rows of update, a merge) may take before its
  // worker is killed; 10 ms to 24 h.
  std::chrono::nanoseconds stall_timeout = std::chrono::minutes(5);

  friend bool operator==(const KernelsConfig&, const KernelsConfig&) = default;
};

struct ThreadsConfig {
  // Threads of the thread path, 1 to 1024. They wait for input, so many more than
  // cores is right; too few and slow reads queue behind each other.
  std::uint32_t max = 64;

  friend bool operator==(const ThreadsConfig&, const ThreadsConfig&) = default;
};

struct LimitsConfig {
  // What follows has a limit over all clients and one for each user. A user's of 0 is
  // all of it where the daemon serves one user, else three quarters. What would be more
  // is refused.

  // Connections at a time, 1 to 65536; administrators may have a few more.
  std::uint32_t sessions = 1024;
  std::uint32_t sessions_per_user = 0;

  // Jobs queued or running, 1 to 1000000.
  std::uint32_t jobs = 100'000;
  std::uint32_t jobs_per_user = 0;

  // Chunks of those jobs, as planned, 1 to 1000000000.
  std::uint32_t chunks = 100'000'000;
  std::uint32_t chunks_per_user = 0;

  // Descriptors that clients passed and we hold open, 1 to 1048576. The process limit
  // (RLIMIT_NOFILE) must leave room for it.
  std::uint32_t descriptors = 4096;
  std::uint32_t descriptors_per_user = 0;

  // The daemon's own memory for requests and kernels' states; 0: no limit.
  std::uint64_t requests = std::uint64_t{256} << 20;
  std::uint64_t requests_per_user = 0;

  // Memory objects (memfds, files of a tmpfs) that those descriptors keep alive, each
  // counted once a user; 0: no limit but the machine's memory.
  std::uint64_t pinned = 0;
  std::uint64_t pinned_per_user = 0;

  // Finished jobs kept for `wait` and `show`, 0 to 1000000; the oldest go first.
  std::uint32_t finished_jobs = 1024;

  // ... and for how long, 0 to 168 h.
  std::chrono::nanoseconds finished_age = std::chrono::minutes(10);

  // How long an attached job whose client gave it an id goes on when the client's
  // connection is gone, and its answer is kept, for the client to submit it again; 0 to
  // 1 h.
  std::chrono::nanoseconds attached_grace = std::chrono::seconds(10);

  friend bool operator==(const LimitsConfig&, const LimitsConfig&) = default;
};

struct LogConfig {
  LogLevel level = LogLevel::Info;
  LogTarget target = LogTarget::Auto;

  friend bool operator==(const LogConfig&, const LogConfig&) = default;
};

struct Config {
  DaemonConfig daemon;
  AccessConfig access;
  PoolConfig pool;
  SandboxConfig sandbox;
  KernelsConfig kernels;
  ThreadsConfig threads;
  LimitsConfig limits;
  LogConfig log;

  friend bool operator==(const Config&, const Config&) = default;
};

}  // namespace tally::config

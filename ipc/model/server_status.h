// ServerStatus: the daemon's own state, for `tally status`.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "ipc/model/job_answer.h"

namespace tally::model {

struct WorkerStatus {
  std::uint32_t worker = 0;
  std::uint32_t pid = 0;     // 0 while there is no process
  std::string state;         // the worker table's word: idle, busy, …
  std::optional<JobId> job;  // what it works on
  std::uint64_t chunks_done = 0;
  std::uint64_t restarts = 0;  // processes that this slot has lost
  std::optional<std::uint64_t> pss_bytes;
  std::optional<std::uint64_t> rss_bytes;
  std::string doing;             // "chunk 3: reading file 0"; empty: nothing
  std::uint64_t stalled_ns = 0;  // since that was last seen to move
  char process_state = '\0';     // the kernel's letter, as in proc(5); 0: not known
};

// One bound on the number of usable cores, and who sets it.
struct CoreBound {
  std::string source;  // "affinity", "cgroup quota", "configuration"
  double cores = 0.0;
};

// A key of the configuration and the value in force. Durations are text: "30s".
struct Setting {
  using Value = std::variant<std::int64_t, std::string, std::vector<std::uint32_t>>;
  std::string key;  // "pool.workers"
  Value value;
  bool is_default = true;        // nobody set it; 0 workers may be two in force
  bool reloadable = false;       // a change takes effect at SIGHUP
  bool restart_pending = false;  // the file that was read last says something else
  friend bool operator==(const Setting&, const Setting&) = default;
};

// Since the daemon started.
struct Totals {
  std::uint64_t jobs_done = 0;  // with the full answer
  std::uint64_t jobs_failed = 0;
  std::uint64_t jobs_cancelled = 0;
  std::uint64_t jobs_expired = 0;
  std::uint64_t jobs_refused = 0;  // never taken on
  std::uint64_t chunks = 0;        // whose partial was accepted
  std::uint64_t chunks_retried = 0;
  std::uint64_t elements = 0;      // of those chunks
  std::uint64_t cpu_ns = 0;        // likewise
  std::uint64_t jobs_partial = 0;  // ended with an answer that leaves something out
  friend bool operator==(const Totals&, const Totals&) = default;
};

// A token in use or waited for.
struct TokenStatus {
  std::string name;
  std::uint32_t in_use = 0;   // chunks that hold one
  std::uint32_t waiting = 0;  // jobs in line for one
  friend bool operator==(const TokenStatus&, const TokenStatus&) = default;
};

// Protocol numbers; never renumber.
enum class HealthState : std::uint8_t {
  Off = 1,     // no canaries are sent: nothing is known
  Ok = 2,      // the last one was right, and the next is not late
  Busy = 3,    // not answered yet, and what is before it in line gets on
  Wedged = 4,  // late, and nothing on the path moves
  Failed = 5,  // the last one ended with an error
  Wrong = 6,   // the last one gave another answer than it must
};
std::string_view name_of(HealthState state) noexcept;

// How a path stands, as the daemon's own small jobs on it (canaries) show.
struct PathHealth {
  Path path = Path::Any;
  HealthState state = HealthState::Off;
  std::optional<std::uint64_t> last_ok_ns;  // since the last right answer
  std::uint64_t latency_ns = 0;             // of that answer
  std::string message;                      // for people; empty: nothing to say
  friend bool operator==(const PathHealth&, const PathHealth&) = default;
};

// What is held of something that is limited.
struct LimitUse {
  std::string resource;              // "jobs", as in [limits]
  std::optional<std::uint32_t> uid;  // one user's; none: of all together
  std::uint64_t limit = 0;
  std::optional<std::uint64_t> in_use;  // none: not for the one who asks to know
  friend bool operator==(const LimitUse&, const LimitUse&) = default;
};

struct ServerStatus {
  std::string version;
  std::uint32_t pid = 0;
  DaemonKind kind = DaemonKind::Private;
  std::string socket;
  std::uint64_t uptime_ns = 0;
  std::uint32_t zygote_pid = 0;
  std::uint64_t zygote_restarts = 0;
  std::vector<WorkerStatus> workers;
  std::uint32_t threads_running = 0;
  std::uint32_t threads_busy = 0;
  std::uint32_t threads_max = 0;
  std::uint32_t usable_cores = 0;
  std::vector<CoreBound> core_bounds;
  std::uint64_t jobs_queued = 0;
  std::uint64_t jobs_running = 0;
  std::uint64_t jobs_finished = 0;  // since the daemon started
  std::uint64_t chunks_waiting = 0;
  std::uint64_t sessions = 0;
  std::uint64_t daemon_rss_bytes = 0;
  std::optional<std::uint64_t> workers_pss_bytes;
  double system_used_percent = 0.0;
  bool draining = false;
  Totals totals;
  std::vector<Setting> settings;    // in the order of config.h
  std::vector<TokenStatus> tokens;  // by name
  // Why jobs had better not count on the workers, for people; empty: they can.
  std::string degraded;
  std::vector<PathHealth> health;  // of the inline, thread and process path
  // What holds the workers, "seccomp, landlock 4", or "off: " and why.
  std::string sandbox;
  std::vector<LimitUse> limits;  // of all together, then of each uid that holds some
};

// Every path is ok or busy, and the pool is not degraded. Where no canaries are sent
// nothing is known, which is not healthy either.
inline bool is_healthy(const ServerStatus& status) {
  for (const PathHealth& path : status.health)
    if (path.state != HealthState::Ok && path.state != HealthState::Busy) return false;
  return !status.health.empty() && status.degraded.empty();
}

// One line of `tally jobs`.
struct JobSummary {
  JobId id;
  JobState state = JobState::Queued;
  std::uint32_t uid = 0;
  std::string reducers;  // "sum,mean"
  Path path = Path::Any;
  std::uint64_t chunks_done = 0;
  std::uint64_t chunks = 0;
  std::uint64_t age_ns = 0;
};

// What a job would do; nothing was run.
struct JobPlan {
  Path path = Path::Any;
  std::string reason;
  std::uint32_t workers = 0;
  std::uint64_t chunks = 0;
  std::uint64_t leaves = 0;
  std::uint64_t elements = 0;  // 0 if unknown beforehand (csv, text)
  bool elements_known = false;
  std::uint64_t input_bytes = 0;
  std::uint64_t chunk_size = 0;  // elements, or bytes for csv and text
  // From what the first `measured_extent` elements (or bytes) cost; none if the input
  // is empty or they cannot be reduced.
  std::optional<std::uint64_t> expected_ns;
  std::uint64_t measured_extent = 0;
};

}  // namespace tally::model

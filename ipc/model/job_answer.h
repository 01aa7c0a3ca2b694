// JobAnswer: the results of a job and the report about how it ran.
//
// Units are in the names. What was not measured is nullopt, never 0.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "ipc/base/error.h"
#include "ipc/base/int128.h"
#include "ipc/model/histogram.h"
#include "ipc/model/job_id.h"
#include "ipc/model/job_spec.h"
#include "ipc/model/kernel.h"

namespace tally::model {

// Protocol numbers; never renumber.
enum class JobState : std::uint8_t {
  Queued = 1,
  Running = 2,
  Done = 3,
  Partial = 4,
  Failed = 5,
  Cancelled = 6,
  Expired = 7,
  Refused = 8,
};
inline constexpr std::uint8_t kLastJobState = 8;
std::string_view name_of(JobState state) noexcept;

// Where an element is: 0-based within its file; `file` is empty for other sources.
struct ElementIndex {
  std::optional<std::string> file;
  std::uint64_t index = 0;
  friend bool operator==(const ElementIndex&, const ElementIndex&) = default;
};

// monostate: no value; ReducerResult::error says why.
// Text is what a kernel may answer.
using Value = std::variant<std::monostate, Int128, double, float, ElementIndex,
                           std::string, Histogram>;

struct ReducerResult {
  std::string label;
  std::string reducer;
  std::vector<std::string> args;
  std::string column;
  Value value;
  std::optional<Error> error;
};

// seen = kept + missing + filtered, over all rows of the job's input.
struct ElementCounts {
  std::uint64_t seen = 0;
  std::uint64_t kept = 0;
  std::uint64_t missing = 0;   // empty cells that the missing policy skipped
  std::uint64_t filtered = 0;  // NaNs that the NaN policy skipped
  friend bool operator==(const ElementCounts&, const ElementCounts&) = default;
};

enum class DaemonKind : std::uint8_t {
  System = 1,
  User = 2,
  Private = 3,
  Embedded = 4
};
std::string_view name_of(DaemonKind kind) noexcept;

// queue + plan + run + merge + reply + other = total, as the daemon sees it.
struct JobTimes {
  std::uint64_t queue_ns = 0;
  std::uint64_t plan_ns = 0;
  std::uint64_t run_ns = 0;
  std::uint64_t merge_ns = 0;
  std::uint64_t reply_ns = 0;
  std::uint64_t other_ns = 0;
  std::uint64_t total_ns = 0;
  std::uint64_t cpu_user_ns = 0;
  std::uint64_t cpu_system_ns = 0;
};

struct JobMemory {
  // Largest over the chunks, mapped input included (process path only).
  std::optional<std::uint64_t> peak_rss_bytes;
  std::optional<std::uint64_t> workers_pss_bytes;   // all workers, at the job's end
  std::optional<std::uint64_t> workers_anon_bytes;  // summed over the workers used
  std::uint64_t daemon_rss_bytes = 0;
  std::uint64_t input_bytes = 0;     // counted once, not once per worker
  double system_used_percent = 0.0;  // (total - available) / total
};

struct WorkerUsage {
  std::uint32_t worker = 0;  // slot number; on the thread path, the thread's
  std::uint32_t pid = 0;     // of the process that ran the chunks
  std::uint64_t chunks = 0;
  std::uint64_t elements = 0;
  std::uint64_t run_ns = 0;
  std::uint64_t cpu_ns = 0;
  std::optional<std::uint64_t> peak_rss_bytes;
};

// How one attempt at a chunk ended. Protocol numbers; never renumber.
enum class ChunkEnd : std::uint8_t { Done = 1, Failed = 2, Lost = 3, CalledOff = 4 };
std::string_view name_of(ChunkEnd end) noexcept;

// One attempt at a chunk; times since the job was received.
struct ChunkRecord {
  std::uint32_t worker = 0;  // as in WorkerUsage
  std::uint32_t pid = 0;
  std::uint32_t chunk = 0;
  std::uint32_t attempt = 0;  // 1, 2, …
  std::uint64_t begin_ns = 0;
  std::uint64_t end_ns = 0;
  ChunkEnd end = ChunkEnd::Done;
  friend bool operator==(const ChunkRecord&, const ChunkRecord&) = default;
};

// In the order they ended; those beyond kMostChunkRecords are only counted.
struct ChunkTrace {
  std::vector<ChunkRecord> records;
  std::uint64_t left_out = 0;
};
inline constexpr std::size_t kMostChunkRecords = 1U << 16;

// A kernel that a job used.
struct KernelUse {
  std::string name;
  std::string file;  // "libgeomean.so"
  ImageHash hash{};  // SHA-256 of the file's content
};

// Elements [begin, end) of a file (empty for other sources), or bytes, that a partial
// answer does not cover, and what became of the last worker that was given them.
struct MissingRange {
  std::optional<std::string> file;
  std::uint64_t begin = 0;
  std::uint64_t end = 0;
  bool in_bytes = false;
  Error error;
};

// What it took to stop what ran of a job that was cancelled or whose time was up.
// Protocol numbers; never renumber.
enum class StopMeans : std::uint8_t {
  NotStarted = 1,   // nothing of it had begun
  Cooperative = 2,  // its chunks heeded that they were called off, or had ended
  Sigterm = 3,      // to a worker
  Sigkill = 4,
  LeftBehind = 5,  // even that did not help in time, or it was a thread
};
std::string_view name_of(StopMeans means) noexcept;

struct Stopped {
  StopMeans how = StopMeans::NotStarted;  // the strongest means
  std::uint64_t took_ns = 0;              // from the job's end to the last one's
  friend bool operator==(const Stopped&, const Stopped&) = default;
};

struct JobAnswer {
  JobId id;
  JobState state = JobState::Queued;
  std::optional<Error> error;  // in every state but queued, running, done, partial
  std::vector<ReducerResult> results;
  ElementCounts elements;
  DaemonKind daemon_kind = DaemonKind::Private;
  std::uint32_t daemon_pid = 0;
  Path path = Path::Any;
  std::string reason;
  std::uint32_t workers = 0;
  std::uint64_t chunks = 0;
  std::uint64_t retries = 0;  // attempts spent beyond the first of each chunk
  JobTimes time;
  JobMemory memory;
  std::vector<WorkerUsage> worker_usage;
  std::optional<ChunkTrace> trace;  // where JobSpec::trace asked for it
  std::vector<KernelUse> kernels;
  std::vector<MissingRange> missing;  // of a partial answer, in input order
  std::optional<Stopped> stopped;     // in state cancelled, expired; none: not told
};

// How far a running job is.
struct JobProgress {
  JobId id;
  std::uint64_t done = 0;   // elements, or bytes for csv and text
  std::uint64_t total = 0;  // 0: not known (streams)
  bool in_bytes = false;
};

}  // namespace tally::model

// path_choice: which path a job takes, with how many slots, and the reason in words.
//
// Pure. Isolation is a constraint, speed is a hint: they are separate fields.
#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "ipc/base/result.h"
#include "ipc/model/job_spec.h"

namespace tally::plan {

// At most this many elements of a range or values job are computed in the event loop.
inline constexpr std::uint64_t kInlineElements = 4096;

// What the engine has to offer.
struct PathLimits {
  std::uint32_t workers = 1;   // the pool's size
  std::uint32_t threads = 64;  // the thread path's bound
  std::uint32_t usable_cores = 1;
};

struct PathChoice {
  model::Path path = model::Path::Process;
  std::uint32_t workers = 1;  // slots that the job may use at once, before its size
  std::string reason;
  bool open = false;   // nobody said; what the first leaves cost settles it
  bool waits = false;  // for input, most of the time: its chunks need no cores
};

// What the first leaves of a job cost (exec/first_leaves.h).
struct MeasuredLeaves {
  std::uint64_t cpu_ns = 0;
  std::uint64_t waited_ns = 0;  // for input
};

// Where a job's kernels, if it has any, may run.
enum class KernelPlace : std::uint8_t {
  None,     // no kernels
  Workers,  // in worker processes only
  Anywhere  // the administrator lets them run in the daemon's threads, too
};

// Errors: InvalidArgument "too_many_workers" (names the pool's size), "not_isolated",
// "not_inline", "kernel_not_in_process".
Result<PathChoice> choose_path(const model::JobSpec& spec, const PathLimits& limits,
                               KernelPlace kernels = KernelPlace::None);

// The choice for a job some of whose files are streams, whatever was chosen before: as
// many threads as there are, since they wait. Errors: InvalidArgument "no_stream".
Result<PathChoice> choose_stream_path(const model::JobSpec& spec,
                                      const PathLimits& limits,
                                      KernelPlace kernels = KernelPlace::None);

// The open choice, settled: threads for a job whose first leaves spent most of their
// time waiting, worker processes for any other. Nothing measured: processes.
PathChoice settle_path(PathChoice open, const model::JobSpec& spec,
                       const PathLimits& limits,
                       const std::optional<MeasuredLeaves>& measured);

// The number of elements of a source that travels with the request; none for files
// and memory.
std::optional<std::uint64_t> carried_elements(const model::Source& source);

// How many elements a range has. Precondition: step is not 0.
std::uint64_t elements_of(const model::RangeSource& range);

}  // namespace tally::plan

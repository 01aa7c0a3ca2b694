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
};

// Errors: InvalidArgument "too_many_workers" (names the pool's size), "not_isolated",
// "not_inline".
Result<PathChoice> choose_path(const model::JobSpec& spec, const PathLimits& limits);

// The number of elements of a source that travels with the request; none for files
// and memory.
std::optional<std::uint64_t> carried_elements(const model::Source& source);

// How many elements a range has. Precondition: step is not 0.
std::uint64_t elements_of(const model::RangeSource& range);

}  // namespace tally::plan

// WorkMoment: what a worker is at, as its ChunkPage tells, and StillWatch: since when.
//
// A worker that is stopped, or hangs in a read, changes no word of its page. Whoever
// holds a StillWatch looks now and then; what looked the same each time stood still. A
// time in which nobody could look, as we were stopped or frozen ourselves, is left out:
// the worker may have been as well.
//
// Pure but for the loads of atomics: the caller brings the clock.
#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>

#include "ipc/base/clock.h"
#include "runtime/exec/chunk_page.h"
#include "runtime/exec/path.h"

namespace tally::exec {

struct WorkMoment {
  std::uint64_t begun = 0;
  std::uint64_t advanced = 0;
  ChunkStage stage = ChunkStage::None;
  std::uint32_t source_file = 0;
  KernelPlace place;

  static WorkMoment of(const ChunkPage& page);
  bool operator==(const WorkMoment& other) const;
};

// "reading file 0, 65536 done", "in update of kernel 1, file 0, rows 0 to 8191".
std::string doing(const WorkMoment& moment);

struct StallLimits {
  std::chrono::nanoseconds kernel;  // one call of a kernel
  std::chrono::nanoseconds worker;  // anything else
};

class StillWatch {
 public:
  // The worker was given something: what stood still before does not count.
  void begin(WorkMoment now, Nanoseconds now_ns);
  void look(const WorkMoment& now, Nanoseconds now_ns);
  // A look came so much later than it was meant to.
  void leave_out(Nanoseconds late_ns, Nanoseconds now_ns);
  // Since when it looked as it did last, so never longer than it really stood.
  std::chrono::nanoseconds still(Nanoseconds now_ns) const {
    return std::chrono::nanoseconds(now_ns - since_ns_);
  }
  // The limit that it has stood still for, if it has.
  std::optional<std::chrono::nanoseconds> exceeded(const StallLimits& limits,
                                                   Nanoseconds now_ns) const;
  const WorkMoment& moment() const { return moment_; }

 private:
  WorkMoment moment_;
  Nanoseconds since_ns_ = 0;
};

}  // namespace tally::exec

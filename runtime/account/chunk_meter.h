// ChunkMeter: what one chunk cost: wall time, CPU time of the executing thread, and in
// a worker the peak of resident memory.
//
// The peak needs /proc/self/clear_refs and /proc/self/status opened by the worker
// itself after its fork (and before its sandbox); resetting the high-water mark and
// reading it cost 1 to 4 microseconds each, so only chunks above kMeasuredUnits are
// measured. It includes mapped input and is exact to the kernel's batching of some
// 128 KiB per CPU.
//
// The CPU time in total is CLOCK_THREAD_CPUTIME_ID's: getrusage alone lags behind by up
// to a scheduler tick (4 ms), and serves to tell how much of it was the kernel's. Below
// kSplitCpuNs that is not asked for (a system call) and all of it counts as user time.
//
// Threads: one; a meter measures the thread it is called on.
#pragma once

#include <cstdint>

#include "ipc/base/clock.h"
#include "ipc/base/unique_fd.h"
#include "ipc/model/chunk_task.h"

namespace tally::account {

inline constexpr std::uint64_t kMeasuredUnits = 50'000;  // elements or bytes
inline constexpr Nanoseconds kSplitCpuNs = 100'000;

// Opened once in a worker; absent (both empty) on threads.
struct SelfFiles {
  UniqueFd clear_refs;
  UniqueFd status;
  static SelfFiles open();
};

class ChunkMeter {
 public:
  // `files` nullptr: memory is not measured. Must outlive the meter.
  explicit ChunkMeter(const SelfFiles* files) : files_(files) {}

  // Optional, while there is nothing to do: reads the CPU clocks beforehand, so that
  // the next chunk need not. What passes until then counts to that chunk: a thread that
  // waits for it uses no CPU.
  void arm();
  // As arm(), by the clocks that stop() has read: for a chunk that follows at once on
  // the same thread. Where its time is split, up to kSplitCpuNs of the kernel's time
  // may be those before it.
  void arm_again() { armed_ = true; }
  void start(const model::ChunkTask& task);
  model::ChunkUsage stop();

 private:
  void start_clocks();

  const SelfFiles* files_;
  bool measure_memory_ = false;
  bool armed_ = false;
  Nanoseconds started_ns_ = 0;
  Nanoseconds cpu_started_ns_ = 0;
  Nanoseconds system_started_ns_ = 0;
  Nanoseconds system_read_at_ns_ = 0;  // of CPU time
};

}  // namespace tally::account

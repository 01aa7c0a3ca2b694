// Memory of processes and of the system, read from /proc.
//
// Units: bytes. Every reader answers nullopt where the kernel does not tell.
#pragma once

#include <cstdint>
#include <optional>

#include "ipc/base/clock.h"

namespace tally::account {

// Resident set of this process. A few microseconds.
std::optional<std::uint64_t> own_rss_bytes();

// Resident and proportional set of another process: each page counted by its share, so
// that sums over processes count shared pages once. Some hundred microseconds, and it
// waits for the process's memory map: never on the event loop.
struct ProcessMemory {
  std::uint64_t rss_bytes = 0;
  std::uint64_t pss_bytes = 0;
};
std::optional<ProcessMemory> process_memory(std::uint32_t pid);

// (total - available) / total of the machine, in percent.
std::optional<double> system_used_percent();

// The two cheap ones, read anew at most every 100 ms: a report of a job of microseconds
// must not cost tens of them. Threads: one.
class MemoryGauge {
 public:
  void refresh_if_old(Nanoseconds now_ns);
  std::uint64_t own_rss_bytes() const { return own_rss_bytes_; }
  double system_used_percent() const { return system_used_percent_; }

 private:
  Nanoseconds read_ns_ = 0;
  std::uint64_t own_rss_bytes_ = 0;
  double system_used_percent_ = 0.0;
};

}  // namespace tally::account

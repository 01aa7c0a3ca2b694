// child: runs a function in a process of its own, whose crash is an answer too.
//
// The child has its own standard output and error (into a file that is only measured
// and quoted), no core file, and a bound on its memory. Threads: the calling process
// must have one only. Errors: Io where there is no process to be had.
#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <string>

#include "ipc/base/result.h"

namespace tally::check {

struct ChildEnd {
  enum class How { Answered, Died, TimedOut };
  How how = How::Died;
  int signal = 0;      // of one that died by it
  int exit_code = 0;   // of one that left without an answer
  std::string answer;  // what the function returned
  std::uint64_t printed_bytes = 0;
  std::string printed;  // the first of them
};

// Kills the child when `limit` is over; what it forked goes with it.
Result<ChildEnd> run_in_child(const std::function<std::string()>& body,
                              std::chrono::milliseconds limit);

}  // namespace tally::check

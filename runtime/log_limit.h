// LogLimit: lines that clients cause, but not in any number.
//
// Somebody who means harm can have thousands written a second; each costs a system call
// in the loop, and the disk. So many a second are let through, the others are counted
// and told of with the next.
//
// Threads: one.
#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <utility>

#include "ipc/base/clock.h"

namespace tally::daemon {

class LogLimit {
 public:
  static constexpr std::uint32_t kMostASecond = 20;

  void log(const std::function<void(const std::string&)>& to, std::string line,
           Nanoseconds now_ns) {
    if (now_ns - began_ns_ >= 1'000'000'000) {
      if (held_back_ > 0)
        line += " (and " + std::to_string(held_back_) + " more such lines before)";
      began_ns_ = now_ns;
      written_ = 0;
      held_back_ = 0;
    }
    if (written_ == kMostASecond) {
      ++held_back_;
      return;
    }
    ++written_;
    to(line);
  }

 private:
  Nanoseconds began_ns_ = 0;
  std::uint32_t written_ = 0;
  std::uint64_t held_back_ = 0;
};

}  // namespace tally::daemon

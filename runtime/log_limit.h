// LogLimit: lines that clients cause, but not in any number.
//
// Somebody who means harm can have thousands written a second; each costs a system call
// in the loop, and the disk. So many a second are let through, the others are counted.
// How many they were is told at the end of that second, whether a further line comes or
// not; a timer runs only for that.
//
// Threads: the loop's. Lifetime: the io_context must outlive it.
#pragma once

#include <asio/io_context.hpp>
#include <asio/steady_timer.hpp>

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <utility>

#include "ipc/base/clock.h"

namespace tally {

class LogLimit {
 public:
  using Log = std::function<void(const std::string&)>;

  LogLimit(asio::io_context& loop, std::uint32_t most_a_second, Log to)
      : most_(most_a_second), to_(std::move(to)), second_ends_(loop) {}
  ~LogLimit() { *alive_ = false; }
  LogLimit(const LogLimit&) = delete;
  LogLimit& operator=(const LogLimit&) = delete;

  void log(std::string line) {
    const Nanoseconds now = monotonic_ns();
    if (held_back_ == 0 && now - began_ns_ >= kSecond) {
      began_ns_ = now;
      written_ = 0;
    }
    if (written_ < most_) {
      ++written_;
      return to_(line);
    }
    last_ = std::move(line);
    if (held_back_++ > 0) return;
    second_ends_.expires_after(time_until(began_ns_ + kSecond));
    second_ends_.async_wait([this, alive = alive_](asio::error_code error) {
      if (error || !*alive) return;
      to_("and " + std::to_string(std::exchange(held_back_, 0)) +
          " more lines like: " + std::exchange(last_, {}));
    });
  }

 private:
  static constexpr Nanoseconds kSecond = 1'000'000'000;

  const std::uint32_t most_;
  const Log to_;
  asio::steady_timer second_ends_;  // runs while lines are held back
  Nanoseconds began_ns_ = 0;
  std::uint32_t written_ = 0;
  std::uint64_t held_back_ = 0;
  std::string last_;  // of those
  std::shared_ptr<bool> alive_ = std::make_shared<bool>(true);
};

}  // namespace tally

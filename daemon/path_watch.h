// PathWatch: whether a path of execution works, judged by its canaries.
//
// A canary is a small job of the daemon's own whose answer is known. It waits in line
// like any job, so that it is late says little: the path is busy as long as anything on
// it moves, and wedged when for kLate nothing has moved, nor a canary been answered.
// One that hangs in a slot holds up that slot alone, which its supervision looks after:
// others are sent behind it, and any answer is a sign of life.
//
//   sent -> answered                  ok (failed, wrong)
//   sent -> late, something moves     busy
//   sent -> late, nothing moves       wedged
//
// Pure: the caller brings the time, which must not run while the daemon does not
// (frozen, stopped), and what it saw.
#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>

#include "ipc/base/clock.h"
#include "ipc/model/server_status.h"

namespace tally::daemon {

class PathWatch {
 public:
  static constexpr Nanoseconds kLate = 5'000'000'000;
  static constexpr Nanoseconds kNext = kLate / 5;  // behind one that hangs in a slot

  struct Look {
    bool moved = false;         // something on the path did, since the last look
    std::uint32_t in_line = 0;  // canaries that no slot has been given yet
    std::uint32_t in_hand = 0;  // canaries that slots have
    std::uint32_t busy = 0;     // slots that have anything in hand
    bool degraded = false;      // its supervisor knows that it is of little use
  };

  // `stall_ns`: how long supervision lets the work of others stand still.
  explicit PathWatch(Nanoseconds stall_ns) : stall_ns_(stall_ns) {}

  // How often a canary is due from now on; 0: never, the path is not watched.
  void every(Nanoseconds interval_ns, Nanoseconds now_ns);

  // Each look, then a canary if one is due, which is sent() and may be answered at
  // once.
  void look(const Look& look, Nanoseconds now_ns);
  bool due() const;
  void sent();
  void answered();                  // as it must be
  void failed(std::string error);   // it ended with an error
  void wrong(std::string message);  // its answer is not the known one

  // When the next look makes a difference.
  Nanoseconds next_look_ns() const;

  model::HealthState state() const;
  std::string message() const;
  // Whether a restart of the daemon would be no remedy: the path works or is busy, or
  // what stands still is the work of others, which supervision is to end, or the path's
  // supervisor keeps trying.
  bool is_alive() const;

 private:
  bool is_late() const { return open_ && now_ns_ - life_ns_ >= kLate; }
  bool waits_behind_others() const { return look_.in_hand == 0 && look_.busy > 0; }
  void close(model::HealthState outcome, std::string message);

  const Nanoseconds stall_ns_;
  Nanoseconds interval_ns_ = 0;
  Nanoseconds now_ns_ = 0;  // of the last look
  Nanoseconds due_ns_ = 0;
  Look look_;

  bool open_ = false;         // canaries were sent and none answered since
  Nanoseconds since_ns_ = 0;  // when the first of them was sent
  Nanoseconds sent_ns_ = 0;   // the last of them
  Nanoseconds life_ns_ = 0;   // the last sign of life since
  std::optional<model::HealthState> outcome_;  // of the last one that was answered
  std::string message_;
};

}  // namespace tally::daemon

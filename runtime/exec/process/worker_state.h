// WorkerState: the life of one worker process, as the supervisor sees it.
//
//   Starting --Ready--> Idle <--Finished/Assigned--> Busy
//   Starting, Idle --Stop--> Stopping        Busy --Stop--> Draining
//   Draining --Finished--> Stopping          Starting, Busy --Timeout--> Killing
//   any living state --Exited--> Dead        Dead --Forked--> Starting
//
// The state says where the worker is, and whether its death is wanted: Exited is a
// loss in Starting, Idle, Busy and Killing, and what we asked for in Draining and
// Stopping.
//
// Pure: no pids, clocks or I/O. process_path.cc feeds in events and carries out
// actions, so every path is tested without one fork (worker_state_test.cc).
#pragma once

#include <cstdint>
#include <string_view>

namespace tally::exec {

enum class WorkerState : std::uint8_t {
  Starting,
  Idle,
  Busy,
  Draining,
  Stopping,
  Killing,
  Dead
};
inline constexpr std::uint8_t kWorkerStates = 7;

enum class WorkerEvent : std::uint8_t {
  Forked,
  Ready,
  Assigned,
  Finished,
  Stop,
  Timeout,
  Exited
};
inline constexpr std::uint8_t kWorkerEvents = 7;

enum class WorkerAction : std::uint8_t {
  None,
  Offer,      // the slot is ready for work
  AskToStop,  // SIGTERM and start the stop timer
  Kill,       // SIGKILL
  Recover,    // what it had in hand is lost; start a replacement, with back-off
  Retire,     // what it had in hand is lost; leave the slot empty
  Reject,     // impossible here: log it, count it, change nothing
};

struct Transition {
  WorkerState next;
  WorkerAction action;
  friend bool operator==(const Transition&, const Transition&) = default;
};

// Total: every (state, event) pair has an answer.
Transition on_event(WorkerState state, WorkerEvent event) noexcept;

std::string_view name_of(WorkerState state) noexcept;
std::string_view name_of(WorkerEvent event) noexcept;

}  // namespace tally::exec

#include "runtime/exec/process/worker_state.h"

namespace tally::exec {

Transition on_event(WorkerState state, WorkerEvent event) noexcept {
  using S = WorkerState;
  using E = WorkerEvent;
  using A = WorkerAction;
  const Transition reject{state, A::Reject};

  if (state != S::Dead && event == E::Exited) {
    const bool wanted = state == S::Draining || state == S::Stopping;
    return {S::Dead, wanted ? A::Retire : A::Recover};
  }

  switch (state) {
    case S::Starting:
      if (event == E::Ready) return {S::Idle, A::Offer};
      if (event == E::Stop) return {S::Stopping, A::AskToStop};
      if (event == E::Timeout) return {S::Killing, A::Kill};
      return reject;
    case S::Idle:
      if (event == E::Assigned) return {S::Busy, A::None};
      if (event == E::Stop) return {S::Stopping, A::AskToStop};
      return reject;
    case S::Busy:
      if (event == E::Finished) return {S::Idle, A::Offer};
      if (event == E::Stop) return {S::Draining, A::None};
      if (event == E::Timeout) return {S::Killing, A::Kill};
      return reject;
    case S::Draining:
      if (event == E::Finished) return {S::Stopping, A::AskToStop};
      if (event == E::Stop) return {S::Draining, A::None};
      if (event == E::Timeout) return {S::Stopping, A::Kill};
      return reject;
    case S::Stopping:
      if (event == E::Stop || event == E::Ready) return {S::Stopping, A::None};
      if (event == E::Timeout) return {S::Stopping, A::Kill};
      return reject;
    case S::Killing:
      // Its last words may still be on the way.
      if (event == E::Ready || event == E::Finished) return {S::Killing, A::None};
      if (event == E::Stop) return {S::Stopping, A::None};
      return reject;
    case S::Dead:
      if (event == E::Forked) return {S::Starting, A::None};
      if (event == E::Stop) return {S::Dead, A::None};
      return reject;
  }
  return reject;
}

std::string_view name_of(WorkerState state) noexcept {
  switch (state) {
    case WorkerState::Starting: return "starting";
    case WorkerState::Idle: return "idle";
    case WorkerState::Busy: return "busy";
    case WorkerState::Draining: return "draining";
    case WorkerState::Stopping: return "stopping";
    case WorkerState::Killing: return "killing";
    case WorkerState::Dead: return "dead";
  }
  return "?";
}

std::string_view name_of(WorkerEvent event) noexcept {
  switch (event) {
    case WorkerEvent::Forked: return "forked";
    case WorkerEvent::Ready: return "ready";
    case WorkerEvent::Assigned: return "assigned";
    case WorkerEvent::Finished: return "finished";
    case WorkerEvent::Stop: return "stop";
    case WorkerEvent::Timeout: return "timeout";
    case WorkerEvent::Exited: return "exited";
  }
  return "?";
}

}  // namespace tally::exec

// The whole table: one row a state, one column an event, as the supervisor needs it.
#include "runtime/exec/process/worker_state.h"

#include <gtest/gtest.h>

#include <array>
#include <set>
#include <string>

namespace tally::exec {
namespace {

using S = WorkerState;
using A = WorkerAction;

constexpr std::array<S, kWorkerStates> kStates{
    S::Starting, S::Idle, S::Busy, S::Draining, S::Stopping, S::Killing, S::Dead};
constexpr std::array<WorkerEvent, kWorkerEvents> kEvents{
    WorkerEvent::Forked,   WorkerEvent::Ready, WorkerEvent::Assigned,
    WorkerEvent::Finished, WorkerEvent::Stop,  WorkerEvent::Timeout,
    WorkerEvent::Exited};

// clang-format off
constexpr Transition kTable[kWorkerStates][kWorkerEvents] = {
// Starting
{{S::Starting, A::Reject}, {S::Idle, A::Offer}, {S::Starting, A::Reject},
 {S::Starting, A::Reject}, {S::Stopping, A::AskToStop}, {S::Killing, A::Kill},
 {S::Dead, A::Recover}},
// Idle
{{S::Idle, A::Reject}, {S::Idle, A::Reject}, {S::Busy, A::None},
 {S::Idle, A::Reject}, {S::Stopping, A::AskToStop}, {S::Idle, A::Reject},
 {S::Dead, A::Recover}},
// Busy
{{S::Busy, A::Reject}, {S::Busy, A::Reject}, {S::Busy, A::Reject},
 {S::Idle, A::Offer}, {S::Draining, A::None}, {S::Killing, A::Kill},
 {S::Dead, A::Recover}},
// Draining
{{S::Draining, A::Reject}, {S::Draining, A::Reject}, {S::Draining, A::Reject},
 {S::Stopping, A::AskToStop}, {S::Draining, A::None}, {S::Stopping, A::Kill},
 {S::Dead, A::Retire}},
// Stopping
{{S::Stopping, A::Reject}, {S::Stopping, A::None}, {S::Stopping, A::Reject},
 {S::Stopping, A::Reject}, {S::Stopping, A::None}, {S::Stopping, A::Kill},
 {S::Dead, A::Retire}},
// Killing
{{S::Killing, A::Reject}, {S::Killing, A::None}, {S::Killing, A::Reject},
 {S::Killing, A::None}, {S::Stopping, A::None}, {S::Killing, A::Reject},
 {S::Dead, A::Recover}},
// Dead
{{S::Starting, A::None}, {S::Dead, A::Reject}, {S::Dead, A::Reject},
 {S::Dead, A::Reject}, {S::Dead, A::None}, {S::Dead, A::Reject},
 {S::Dead, A::Reject}},
};
// clang-format on

TEST(WorkerTable, AnswersEveryEventInEveryState) {
  for (std::size_t state = 0; state < kStates.size(); ++state)
    for (std::size_t event = 0; event < kEvents.size(); ++event)
      EXPECT_EQ(on_event(kStates[state], kEvents[event]), kTable[state][event])
          << name_of(kStates[state]) << " on " << name_of(kEvents[event]);
}

TEST(WorkerTable, ARejectedEventChangesNothing) {
  for (const S state : kStates)
    for (const WorkerEvent event : kEvents) {
      const Transition answer = on_event(state, event);
      EXPECT_TRUE(answer.action != A::Reject || answer.next == state);
    }
}

TEST(WorkerTable, OnlyADeathIsALossAndOnlyAnUnwantedOneRecovers) {
  for (const S state : kStates)
    for (const WorkerEvent event : kEvents) {
      const A action = on_event(state, event).action;
      const bool of_death = action == A::Recover || action == A::Retire;
      EXPECT_EQ(of_death, event == WorkerEvent::Exited && state != S::Dead);
      const bool wanted = state == S::Draining || state == S::Stopping;
      EXPECT_TRUE(!of_death || (action == A::Retire) == wanted) << name_of(state);
    }
}

TEST(WorkerTable, AStoppedWorkerIsNeverOfferedAgain) {
  for (const S state : {S::Draining, S::Stopping})
    for (const WorkerEvent event : kEvents)
      EXPECT_NE(on_event(state, event).action, A::Offer);
}

TEST(WorkerTable, EveryStateAndEventHasANameOfItsOwn) {
  std::set<std::string_view> names;
  for (const S state : kStates) names.insert(name_of(state));
  for (const WorkerEvent event : kEvents) names.insert(name_of(event));
  EXPECT_EQ(names.size(), kStates.size() + kEvents.size());
  EXPECT_FALSE(names.contains("?"));
  EXPECT_EQ(name_of(S::Busy), "busy");
  EXPECT_EQ(name_of(WorkerEvent::Exited), "exited");
}

TEST(WorkerTable, AValueThatIsNoStateOrEventIsRejectedAndNamedSo) {
  const auto none = static_cast<S>(kWorkerStates);
  EXPECT_EQ(name_of(none), "?");
  EXPECT_EQ(name_of(static_cast<WorkerEvent>(kWorkerEvents)), "?");
  for (const S state : kStates)
    EXPECT_EQ(on_event(state, static_cast<WorkerEvent>(kWorkerEvents)).action,
              A::Reject);
}

}  // namespace
}  // namespace tally::exec

// Every state of job, chunk and slot meets every event.
//
// An event that names what is not there must change nothing: a scheduler that has seen
// it goes on exactly as one that has not. Any other event must leave a scheduler whose
// invariants hold and whose jobs all end, each once, with each chunk accepted at most
// once: that is World's to check.
#include <functional>
#include <string>

#include "tests/unit/runtime/sched/world.h"

namespace tally::sched::test {
namespace {

struct Prepared {
  const char* name;
  std::function<void(World&)> make;
};

// Job 1 is the one looked at; its chunks 0 to 2 are in the state that the name says.
const std::vector<Prepared>& states() {
  static const std::vector<Prepared> kStates{
      {"nothing at all", [](World&) {}},
      {"slots without jobs",
       [](World& world) {
         world.ready(process(0));
         world.ready(thread(0));
         world.gone(process(1), std::nullopt);
       }},
      {"all chunks waiting", [](World& world) { world.submit(job_of(1, 3)); }},
      {"in hand, one waiting",
       [](World& world) {
         world.ready(process(0));
         world.ready(process(1));
         world.submit(job_of(1, 3));
       }},
      {"one done, one in hand",
       [](World& world) {
         world.ready(process(0));
         world.submit(job_of(1, 3));
         world.done(process(0), key_of(1, 0));
       }},
      {"lost and waiting again",
       [](World& world) {
         world.ready(process(0));
         world.submit(job_of(1, 3));
         world.gone(process(0), key_of(1, 0));
       }},
      {"lost and in hand again",
       [](World& world) {
         world.ready(process(0));
         world.submit(job_of(1, 3));
         world.gone(process(0), key_of(1, 0));
         world.ready(process(1));
       }},
      {"one attempt left",
       [](World& world) {
         world.submit(job_of(1, 3, 1));
         for (std::uint32_t attempt = 1; attempt <= 2; ++attempt) {
           world.ready(process(0));
           world.gone(process(0), key_of(1, 0, attempt));
         }
         world.ready(process(1));
       }},
      {"divided, its second part in hand",
       [](World& world) {
         world.submit(job_of(1, 3, 1));
         for (std::uint32_t attempt = 1; attempt <= 3; ++attempt) {
           world.ready(process(0));
           world.gone(process(0), key_of(1, 0, attempt), true, 4);
         }
         world.ready(process(0));
         world.done(process(0), key_of(1, 0, 4));
       }},
      {"failed above, in hand below",
       [](World& world) {
         for (SlotNumber slot = 0; slot < 3; ++slot) world.ready(process(slot));
         world.submit(job_of(1, 3));
         world.failed(process(1), key_of(1, 1), bad_cell(1));
       }},
      {"failed above, lost below",
       [](World& world) {
         for (SlotNumber slot = 0; slot < 2; ++slot) world.ready(process(slot));
         world.submit(job_of(1, 3, 2));
         world.gone(process(0), key_of(1, 0));
         world.failed(process(1), key_of(1, 1), bad_cell(1));
       }},
      {"cancelled, slots not yet back",
       [](World& world) {
         world.ready(process(0));
         world.ready(process(1));
         world.submit(job_of(1, 3));
         world.cancel(1);
         world.submit(job_of(2, 2));
       }},
      {"ended",
       [](World& world) {
         world.ready(process(0));
         world.submit(job_of(1, 1));
         world.done(process(0), key_of(1, 0));
       }},
      {"a batch of tiny jobs",
       [](World& world) {
         world.submit(tiny_job(1, 3));
         world.submit(tiny_job(2));
         world.ready(process(0));
       }},
      {"inline, in hand", [](World& world) { world.submit(inline_job(1, 3)); }},
      {"tokens in use, on both lanes",
       [](World& world) {
         world.ready(process(0));
         world.ready(process(1));
         world.ready(thread(0));
         world.submit(with_limits(job_of(1, 3), {{"nas", 1}}));
         JobRequest request = with_limits(job_of(2, 2), {{"nas", 2}, {"db", 1}});
         request.lane = Lane::Thread;
         world.submit(request);
         world.submit(with_limits(job_of(3, 1), {{"db", 1}}));
       }},
      {"tokens with a job that has ended",
       [](World& world) {
         world.ready(process(0));
         world.ready(process(1));
         world.submit(with_limits(job_of(1, 3), {{"nas", 1}}));
         world.cancel(1);
         world.submit(with_limits(job_of(2, 2), {{"nas", 1}}));
       }},
      {"input that comes bit by bit",
       [](World& world) {
         world.ready(process(0));
         world.ready(process(1));
         JobRequest request = with_limits(job_of(1, 3), {{"nas", 1}});
         request.released = 1;
         world.submit(request);
         request = job_of(2, 2);
         request.released = 0;
         world.submit(request);
       }},
      {"two jobs, deadlines",
       [](World& world) {
         world.ready(process(0));
         JobRequest request = job_of(1, 3);
         request.deadline_ns = 50;
         world.submit(request);
         request = job_of(2, 2);
         request.deadline_ns = 150;
         world.submit(request);
       }},
  };
  return kStates;
}

std::vector<SlotId> all_slots() {
  return {process(0), process(1), process(2), process(8),
          thread(0),  thread(8),  kInline};
}

std::vector<ChunkKey> all_keys() {
  std::vector<ChunkKey> keys;
  for (const JobNumber job : {1U, 2U, 99U})
    for (const std::uint32_t round : {0U, 1U})
      for (const std::uint32_t chunk : {0U, 1U, 2U, 3U, 0xFFFFFFFFU})
        for (const std::uint32_t attempt : {0U, 1U, 2U, 3U, 4U, 5U})
          keys.push_back({job, round, chunk, attempt});
  return keys;
}

std::vector<Event> all_events() {
  std::vector<Event> events;
  for (const SlotId slot : all_slots()) {
    events.emplace_back(SlotReady{slot});
    for (const bool spends : {false, true})
      events.emplace_back(SlotGone{slot, std::nullopt, spends, killed(), false});
    for (const ChunkKey& key : all_keys()) {
      events.emplace_back(ChunkDone{slot, key});
      events.emplace_back(ChunkFailed{slot, key, bad_cell(key.chunk)});
      events.emplace_back(ChunkFailed{slot, key, stopped()});
      for (const bool spends : {false, true})
        events.emplace_back(SlotGone{slot, key, spends, killed(), !spends});
    }
  }
  for (const JobNumber job : {1U, 2U, 99U})
    events.emplace_back(CancelRequested{job, stopped()});
  for (const JobNumber job : {1U, 2U, 99U})
    for (const std::uint32_t upto : {0U, 1U, 2U, 9U})
      events.emplace_back(ChunksReleased{job, upto});
  for (const Nanoseconds now : {0U, 50U, 100U, 1000U})
    events.emplace_back(TimePassed{now});
  for (const std::uint32_t chunks : {0U, 1U, 5U})
    events.emplace_back(Submitted{job_of(50, chunks)});
  return events;
}

bool knows(const World& world, JobNumber job) {
  const auto found = world.jobs().find(job);
  return found != world.jobs().end() && !found->second.ended;
}

// Whether the event names only what is there, so that it may change something.
bool concerns(const World& world, const Event& event) {
  if (const auto* done = std::get_if<ChunkDone>(&event))
    return world.holds(done->slot, done->key);
  if (const auto* failed = std::get_if<ChunkFailed>(&event))
    return world.holds(failed->slot, failed->key);
  if (const auto* gone = std::get_if<SlotGone>(&event))
    return gone->slot.lane != Lane::Inline && world.slots().contains(gone->slot);
  if (const auto* cancel = std::get_if<CancelRequested>(&event))
    return knows(world, cancel->job);
  if (const auto* released = std::get_if<ChunksReleased>(&event))
    return knows(world, released->job) &&
           world.job(released->job).request.released < released->upto;
  if (const auto* ready = std::get_if<SlotReady>(&event))
    return ready->slot.lane != Lane::Inline;
  if (const auto* time = std::get_if<TimePassed>(&event)) {
    const auto next = world.scheduler().next_deadline_ns();
    return next && *next <= time->now_ns;
  }
  return true;
}

TEST(EveryEvent, InEveryStateLeavesJobsThatAllEndOnce) {
  for (const Prepared& state : states()) {
    for (const Event& event : all_events()) {
      World world;
      state.make(world);
      if (!concerns(world, event)) continue;
      world.feed(event);
      world.check();
      world.run_to_the_end();
      ASSERT_FALSE(HasFailure()) << state.name << ", event " << event.index();
    }
  }
}

TEST(EveryEvent, ThatNamesWhatIsNotThereChangesNothing) {
  for (const Prepared& state : states()) {
    World untouched;
    state.make(untouched);
    const Lines expected = untouched.run_to_the_end();
    for (const Event& event : all_events()) {
      World world;
      state.make(world);
      if (concerns(world, event)) continue;
      const Lines said = world.feed(event);
      const auto* late = std::get_if<ChunkDone>(&event);
      EXPECT_EQ(said,
                late != nullptr ? Lines{text_of(Action(Drop{late->key}))} : Lines{});
      world.check();
      EXPECT_EQ(world.run_to_the_end(), expected);
      ASSERT_FALSE(HasFailure())
          << state.name << ", event " << event.index() << ": " << said.size();
    }
  }
}

TEST(EveryEvent, ASecondSubmitOfALiveJobChangesNothing) {
  World world;
  world.ready(process(0));
  world.submit(job_of(1, 2));
  EXPECT_EQ(world.submit(job_of(1, 9)), Lines{});
  world.check();
  EXPECT_EQ(world.scheduler().waiting_chunks(), 1U);
  world.run_to_the_end();
}

}  // namespace
}  // namespace tally::sched::test

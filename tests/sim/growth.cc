#include "tests/sim/growth.h"

#include <malloc.h>

#include <algorithm>
#include <chrono>
#include <cmath>
#include <cstdio>
#include <vector>

#include "runtime/sched/scheduler.h"

namespace tally::sched::test {
namespace {

constexpr std::uint32_t kUsers = 100;
constexpr int kEvents = 200'000;
constexpr int kRepeats = 3;

// As many jobs as asked for at any time: one that ends is followed by another.
class Crowd {
 public:
  Crowd(std::uint32_t jobs, SlotNumber slots) : hands_(slots) {
    for (std::uint32_t i = 0; i < jobs; ++i) submit();
    for (SlotNumber slot = 0; slot < slots; ++slot)
      feed(SlotReady{{Lane::Process, slot}});
  }

  // Nanoseconds an event. Slots answer in turn, now and then one is lost or a job is
  // cancelled.
  double run() {
    const auto began = std::chrono::steady_clock::now();
    events_ = 0;
    SlotNumber slot = 0;
    while (events_ < kEvents) {
      slot = (slot + 1) % static_cast<SlotNumber>(hands_.size());
      const std::optional<ChunkKey> key = hands_[slot];
      if (!key) continue;
      hands_[slot].reset();
      if (events_ % 32 == 0) {
        feed(SlotGone{{Lane::Process, slot},
                      key,
                      false,
                      Error(Errc::WorkerLost, "killed"),
                      false,
                      1});
        feed(SlotReady{{Lane::Process, slot}});
      } else if (events_ % 32 == 1) {
        feed(CancelRequested{key->job, Error(Errc::Cancelled, "asked for")});
        feed(ChunkDone{{Lane::Process, slot}, *key});
      } else {
        feed(ChunkDone{{Lane::Process, slot}, *key});
      }
    }
    const auto took = std::chrono::steady_clock::now() - began;
    return std::chrono::duration<double, std::nano>(took).count() / events_;
  }

 private:
  void submit() {
    JobRequest request;
    request.job = next_job_++;
    request.uid = static_cast<std::uint32_t>(request.job % kUsers);
    request.lane = Lane::Process;
    request.chunks = 8;
    request.parallel = 4;
    request.priority = static_cast<std::int32_t>(request.job % 3);
    request.deadline_ns = 1'000'000'000'000'000 + request.job % 1000;
    feed(Submitted{request});
  }

  void feed(const Event& event) {
    ++events_;
    now_ns_ += 10'000;
    std::vector<Action> actions;
    scheduler_.handle(event, now_ns_, actions);
    int ended = 0;
    for (const Action& action : actions) {
      if (const auto* dispatch = std::get_if<Dispatch>(&action))
        hands_[dispatch->slot.number] = dispatch->key;
      ended += std::holds_alternative<Finish>(action) ? 1 : 0;
    }
    for (; ended > 0; --ended) submit();
  }

  Scheduler scheduler_{SchedulerOptions{}};
  std::vector<std::optional<ChunkKey>> hands_;
  JobNumber next_job_ = 1;
  Nanoseconds now_ns_ = 0;
  int events_ = 0;
};

// The best of several: what else runs here costs nothing less than nothing.
double cost_of(std::uint32_t jobs, SlotNumber slots) {
  Crowd crowd(jobs, slots);
  double least = crowd.run();
  for (int i = 1; i < kRepeats; ++i) least = std::min(least, crowd.run());
  return least;
}

// `counts` of what grows, fewest first.
template <typename Cost>
bool grows_slowly(const char* what, const std::vector<std::uint32_t>& counts,
                  Cost cost) {
  std::printf("%10s  %8s  %s\n", what, "ns/event", "times (at most)");
  bool slowly = true;
  double first = 0;
  for (const std::uint32_t count : counts) {
    const double ns = cost(count);
    if (first == 0) first = ns;
    const double most = 1 + std::log2(double{1.0} * count / counts.front());
    const bool within = ns <= first * most;
    slowly = slowly && within;
    std::printf("%10u  %8.0f  %.2f (%.2f)%s\n", count, ns, ns / first, most,
                within ? "" : "  TOO MUCH");
  }
  std::fflush(stdout);
  return slowly;
}

}  // namespace

bool cost_grows_slowly() {
  const bool jobs = grows_slowly("jobs", {1, 10, 100, 1'000, 10'000, 100'000},
                                 [](std::uint32_t n) { return cost_of(n, 64); });
  const bool slots = grows_slowly("workers", {2, 16, 128, 1'024, 4'096},
                                  [](std::uint32_t n) { return cost_of(10'000, n); });
  return jobs && slots;
}

bool queued_jobs_are_small() {
  constexpr std::uint32_t kJobs = 100'000;
  const std::size_t before = mallinfo2().uordblks;
  const Crowd crowd(kJobs, 0);
  const std::size_t each = (mallinfo2().uordblks - before) / kJobs;
  std::printf("a queued job of 8 chunks takes %zu bytes\n", each);
  std::fflush(stdout);
  return each > 0 && each <= 1024;
}

}  // namespace tally::sched::test

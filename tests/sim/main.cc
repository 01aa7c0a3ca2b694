// tally_sim: invented days of the scheduler and the worker table (day.h), and what the
// scheduler costs as the world grows (growth.h).
//
//   tally_sim                        ten days, seeds 1 to 10, 1,000,000 events each
//   tally_sim --events M             ten days of M events in all
//   tally_sim --seed N --events M    one day: how a failing one is seen again
//   tally_sim --growth               time per event and memory per job
//
// TALLY_SIM_EVENTS is for --events where no arguments can be given.
#include <gtest/gtest.h>

#include <charconv>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <optional>
#include <string_view>

#include "tests/sim/day.h"
#include "tests/sim/growth.h"

namespace tally::sched::test {
namespace {

constexpr std::uint64_t kDays = 10;

struct Options {
  std::optional<std::uint64_t> seed;
  std::uint64_t events = 10'000'000;
  bool growth = false;
};

std::optional<std::uint64_t> number(const char* text) {
  if (text == nullptr) return std::nullopt;
  std::uint64_t value = 0;
  const char* end = text + std::strlen(text);
  const auto read = std::from_chars(text, end, value);
  if (read.ec != std::errc() || read.ptr != end) return std::nullopt;
  return value;
}

std::optional<Options> read_options(int count, char** words) {
  Options options;
  if (const char* events = std::getenv("TALLY_SIM_EVENTS")) {
    const auto value = number(events);
    if (!value) return std::nullopt;
    options.events = *value;
  }
  for (int i = 1; i < count; ++i) {
    const std::string_view word = words[i];
    if (word == "--growth") {
      options.growth = true;
      continue;
    }
    const auto value = number(words[i + 1]);
    if (!value) return std::nullopt;
    if (word == "--seed")
      options.seed = value;
    else if (word == "--events")
      options.events = *value;
    else
      return std::nullopt;
    ++i;
  }
  return options;
}

void print(const Day& day) {
  const Day::Counts& counts = day.counts();
  const auto show = [](const char* what, std::uint64_t count) {
    std::printf("  %s %llu", what, static_cast<unsigned long long>(count));
  };
  show("events", counts.events);
  show("jobs", counts.jobs);
  show("done", counts.done);
  show("partial", counts.partial);
  show("failed", counts.failed);
  show("too partial", counts.too_partial);
  show("called off", counts.called_off);
  show("rounds", counts.rounds);
  std::printf("\n");
  show("retried", counts.retried);
  show("parts", counts.divided);
  show("timed out", counts.timed_out);
  show("budget spent", counts.budget_spent);
  show("dropped", counts.dropped);
  show("deaths", counts.deaths);
  show("recycled", counts.recycled);
  show("disconnects", counts.disconnects);
  show("of age", day.world().waiting().came_of_age());
  show("ms waited",
       static_cast<std::uint64_t>(day.world().waiting().ns_waited()) / 1'000'000);
  show("cores waited for", day.world().cores_waited_for());
  show("leases ended", day.world().leases_ended());
  std::printf("\n");
  std::fflush(stdout);
}

// A day on which nothing goes right, or nothing wrong, shows nothing.
void expect_eventful(const Day& day) {
  const Day::Counts& counts = day.counts();
  for (const std::uint64_t count :
       {counts.done, counts.failed, counts.called_off, counts.rounds, counts.partial,
        counts.divided, counts.retried, counts.dropped, counts.deaths, counts.recycled,
        counts.disconnects})
    EXPECT_GT(count, 0U);
  if (counts.events >= 1'000'000) {
    EXPECT_GT(day.world().waiting().came_of_age(), 0U);
    if (day.users() > 1) {
      EXPECT_GT(day.world().waiting().ns_waited(), 0);
    }
    // More than 64 ranges are not lost on a small budget.
    const bool small_budget = day.world().options().retries < 1000;
    EXPECT_GT(small_budget ? counts.budget_spent : counts.too_partial, 0U);
    if (day.world().options().chunk_timeout_ns > 0) {
      EXPECT_GT(counts.timed_out, 0U);
    }
    EXPECT_GT(day.world().cores_waited_for(), 0U);
    EXPECT_GT(day.world().leases_ended(), 0U);
  }
}

bool live(std::uint64_t seed, std::uint64_t events) {
  // Said before: an invariant that is broken ends the process.
  std::printf("tally_sim --seed %llu --events %llu\n",
              static_cast<unsigned long long>(seed),
              static_cast<unsigned long long>(events));
  std::fflush(stdout);
  Day day(seed);
  day.live(events);
  if (events >= 20'000) expect_eventful(day);
  print(day);
  if (!::testing::Test::HasFailure()) return true;
  std::printf("FAILED after %llu events; the line above shows it again\n",
              static_cast<unsigned long long>(day.counts().events));
  return false;
}

}  // namespace
}  // namespace tally::sched::test

int main(int argc, char** argv) {
  ::testing::InitGoogleTest(&argc, argv);
  const auto options = tally::sched::test::read_options(argc, argv);
  if (!options) {
    std::fprintf(stderr, "usage: tally_sim [--seed N] [--events M] | --growth\n");
    return 2;
  }
  if (options->growth) {
    const bool fast = tally::sched::test::cost_grows_slowly();
    return tally::sched::test::queued_jobs_are_small() && fast ? 0 : 1;
  }
  if (options->seed)
    return tally::sched::test::live(*options->seed, options->events) ? 0 : 1;
  for (std::uint64_t seed = 1; seed <= tally::sched::test::kDays; ++seed)
    if (!tally::sched::test::live(seed, options->events / tally::sched::test::kDays))
      return 1;
  return 0;
}

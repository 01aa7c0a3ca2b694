#include "client/cli/comparison.h"

#include <gtest/gtest.h>

#include "tests/unit/cli/fake_daemon.h"
#include "tests/unit/cli/parsed.h"

namespace tally::cli {
namespace {

model::JobSpec range_job() {
  model::JobSpec spec;
  spec.reducers = {{"sum", {}, "", "sum"}};
  spec.source = model::RangeSource{0, 10, 1};
  return spec;
}

FinishedJob run_of(std::uint64_t wall_ns, double value) {
  FinishedJob job;
  job.wall_ns = wall_ns;
  job.answer.state = model::JobState::Done;
  job.answer.results.resize(1);
  job.answer.results[0].label = "sum";
  job.answer.results[0].value = value;
  job.answer.elements.seen = 10;
  return job;
}

Comparison comparison_of(std::uint64_t one, std::uint64_t threads,
                         std::uint64_t processes) {
  Comparison comparison;
  comparison.ways = plan_ways(range_job(), 2);
  comparison.ways[0].median = run_of(one, 45.0);
  comparison.ways[1].median = run_of(threads, 45.0);
  comparison.ways[2].median = run_of(processes, 45.0);
  for (Way& way : comparison.ways) {
    way.median.answer.path = way.spec.path;
    way.median.answer.workers = way.spec.workers;
  }
  comparison.ways[2].median.answer.memory.workers_pss_bytes = 2 << 20;
  comparison.ways[2].median.answer.memory.workers_anon_bytes = 1 << 20;
  for (Way& way : comparison.ways) {
    model::JobAnswer& answer = way.median.answer;
    answer.time.run_ns = way.median.wall_ns;
    answer.time.cpu_user_ns = way.spec.workers == 1 ? 100 : 110;
    answer.worker_usage.resize(way.spec.workers);
    for (model::WorkerUsage& usage : answer.worker_usage)
      usage.run_ns = way.median.wall_ns / 2;
  }
  judge(comparison);
  return comparison;
}

TEST(ComparisonTest, TheWaysAreOneThreadThreadsAndProcesses) {
  const std::vector<Way> ways = plan_ways(range_job(), 4);
  ASSERT_EQ(ways.size(), 3U);
  EXPECT_EQ(ways[0].spec.path, model::Path::Thread);
  EXPECT_EQ(ways[0].spec.workers, 1U);
  EXPECT_EQ(ways[1].spec.path, model::Path::Thread);
  EXPECT_EQ(ways[1].spec.workers, 4U);
  EXPECT_FALSE(ways[1].spec.measure_pss);
  EXPECT_EQ(ways[2].spec.path, model::Path::Process);
  EXPECT_EQ(ways[2].spec.workers, 4U);
  EXPECT_FALSE(ways[2].spec.measure_pss);  // compare() asks for it in its warm-up
}

TEST(ComparisonTest, APoolOfOneHasTwoWays) {
  const std::vector<Way> ways = plan_ways(range_job(), 1);
  ASSERT_EQ(ways.size(), 2U);
  EXPECT_EQ(ways[1].spec.path, model::Path::Process);
}

TEST(ComparisonTest, TheMedianIsTheMiddleRun) {
  EXPECT_EQ(median_of({run_of(3, 0), run_of(1, 0), run_of(2, 0)}).wall_ns, 2U);
}

TEST(ComparisonTest, ParallelHelpedOnlyBeyondNoise) {
  EXPECT_TRUE(comparison_of(100, 52, 60).parallel_helped);
  EXPECT_TRUE(comparison_of(100, 120, 60).parallel_helped);
  EXPECT_FALSE(comparison_of(100, 98, 120).parallel_helped);
}

TEST(ComparisonTest, OneBitThatDiffersIsSaid) {
  Comparison comparison = comparison_of(100, 50, 60);
  EXPECT_TRUE(comparison.same_bits);
  EXPECT_NE(text_of_comparison(comparison).find("same bits: yes"), std::string::npos);
  comparison.ways[2].median = run_of(60, 45.000000000000007);
  judge(comparison);
  EXPECT_FALSE(comparison.same_bits);
  EXPECT_NE(text_of_comparison(comparison).find("same bits: NO"), std::string::npos);
}

TEST(ComparisonTest, TheTextHasARowAWayAndSaysWhatProcessesCost) {
  const std::string text = text_of_comparison(comparison_of(100'000, 50'000, 60'000));
  for (const char* part :
       {"path     workers  time     speed-up", "thread   1        100 us   1.00x",
        "thread   2        50.0 us  2.00x", "process  2        60.0 us  1.67x",
        "2.00 MiB workers' PSS", "parallel helped: yes, 2 threads were 2.00x as fast",
        "  2 threads: 50.0 us saved of 100 us with 1 thread, for 10 % more CPU\n",
        "  2 processes: 40.0 us saved of 100 us with 1 thread, for 10 % more CPU\n",
        "computing while held: 1 thread 50 %, 2 threads 50 %, 2 processes 50 %; the",
        "processes over threads: 10.0 us (20.0 %) slower",
        "2.00 MiB of memory (1.00 MiB of it their own), and isolation"})
    EXPECT_NE(text.find(part), std::string::npos) << part << "\n" << text;
}

TEST(ComparisonTest, TheJsonHoldsARunObjectAWay) {
  const std::string json = json_of_comparison(comparison_of(100, 50, 60));
  EXPECT_TRUE(json.starts_with("{\"ways\": [{\"job\": "));
  EXPECT_TRUE(json.ends_with("}], \"same_bits\": true, \"parallel_helped\": true}"));
}

TEST(ComparisonTest, EveryWayIsRunFourTimesInterleavedAndDifferencesAreFound) {
  std::vector<model::Path> order;
  const HeldInterrupt held;
  FakeDaemon daemon([&](std::uint32_t sequence, const model::Request& request) {
    const auto& spec = std::get<model::Submit>(request).spec;
    order.push_back(spec.path);
    // The very last run is wrong.
    return Replies{{sequence, run_of(0, order.size() == 8 ? 46.0 : 45.0).answer}};
  });
  ASSERT_NE(daemon.client(), nullptr);
  Result<Interrupt> interrupt = Interrupt::watch();
  ASSERT_TRUE(interrupt);
  const Result<Comparison> comparison =
      compare(*daemon.client(), plan_ways(range_job(), 1), {}, *interrupt, false);
  ASSERT_TRUE(comparison) << message_of(comparison);
  ASSERT_EQ(order.size(), 8U);
  for (std::size_t at = 0; at < order.size(); ++at)
    EXPECT_EQ(order[at], at % 2 == 0 ? model::Path::Thread : model::Path::Process);
  EXPECT_FALSE(comparison->same_bits);
}

TEST(ComparisonTest, AFailedJobIsTheErrorOfTheComparison) {
  const HeldInterrupt held;
  FakeDaemon daemon([](std::uint32_t sequence, const model::Request&) {
    model::JobAnswer answer;
    answer.state = model::JobState::Failed;
    answer.error = Error(Errc::InvalidData, "bad_csv", "line 3");
    return Replies{{sequence, std::move(answer)}};
  });
  ASSERT_NE(daemon.client(), nullptr);
  Result<Interrupt> interrupt = Interrupt::watch();
  ASSERT_TRUE(interrupt);
  EXPECT_EQ(code_of(compare(*daemon.client(), plan_ways(range_job(), 2), {}, *interrupt,
                            false)),
            "bad_csv");
}

}  // namespace
}  // namespace tally::cli

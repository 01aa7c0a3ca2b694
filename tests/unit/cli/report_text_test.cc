#include "client/cli/report_text.h"

#include <gtest/gtest.h>

#include "client/cli/trace_json.h"

namespace tally::cli {
namespace {

// Two workers that computed 90 and 60 of 100 us.
model::JobAnswer answer_of(model::Path path) {
  model::JobAnswer answer;
  answer.state = model::JobState::Done;
  answer.path = path;
  answer.workers = 2;
  answer.time = {10'000, 20'000,  100'000, 5'000, 3'000,
                 2'000,  140'000, 110'000, 10'000};
  answer.memory = {5 << 20, 4 << 20, 2 << 20, 8 << 20, 1 << 30, 25.0};
  answer.worker_usage = {{0, 70, 3, 300, 90'000, 80'000, 5 << 20},
                         {1, 71, 2, 200, 60'000, 40'000, 4 << 20}};
  return answer;
}

void expect_lines(const std::string& text, const std::vector<std::string>& lines) {
  for (const std::string& line : lines)
    EXPECT_NE(text.find(line + "\n"), std::string::npos) << line << "\n\n" << text;
}

TEST(ReportTextTest, SaysWhereTimeAndMemoryWent) {
  expect_lines(
      text_of_report(answer_of(model::Path::Process), 60'000),
      {"time       200 us = run 100 us (50 %) + transport 60.0 us (30 %) + plan 20.0 "
       "us "
       "(10 %) + queue 10.0 us (5.0 %) + merge 5.00 us (2.5 %) + reply 3.00 us (1.5 %) "
       "+ other 2.00 us (1.0 %)",
       "work       the workers computed 75 % of the time they were held (2 workers for "
       "100 us), else waited for chunks or passed them on",
       "CPU        120 us (user 110 us, system 10.0 us): on a core 80 % of the time "
       "they "
       "computed, else waiting for input or for a core",
       "parallel   150 us of computing took 100 us: 1.50 at a time, saved 50.0 us",
       "memory     the pool's workers 4.00 MiB PSS (shared pages in proportion), 2.00 "
       "MiB of their own (anonymous) in those that ran, at most 5.00 MiB resident in "
       "one, mapped input included, daemon 8.00 MiB RSS, input 1.00 GiB counted once, "
       "system 25 % used",
       "processes  a crash costs one attempt, not the daemon; the price is the pool's "
       "memory, 4.00 MiB"});
}

TEST(ReportTextTest, ThreadsAreCalledSoAndLostAttemptsAreSaid) {
  model::JobAnswer answer = answer_of(model::Path::Thread);
  EXPECT_NE(text_of_report(answer, 0).find("the threads computed 75 %"),
            std::string::npos);
  EXPECT_EQ(text_of_report(answer, 0).find("crash"), std::string::npos);
  answer.path = model::Path::Process;
  answer.retries = 1;
  const std::string text = text_of_report(answer, 0);
  EXPECT_NE(text.find("; 1 attempt lost with a worker"), std::string::npos) << text;
  EXPECT_NE(text.find("as it did 1 time here"), std::string::npos) << text;
}

TEST(ReportTextTest, WhatIsNotKnownIsLeftOut) {
  model::JobAnswer nothing;
  nothing.memory.system_used_percent = 1;
  EXPECT_EQ(text_of_report(nothing, std::nullopt),
            "time    0 ns = \nmemory  daemon 0 B RSS, system 1.0 % used\n");
  EXPECT_EQ(computing_share(nothing), 0.0);
}

TEST(ReportTextTest, WhatTheClocksThemselvesCostIsNoShareOfTheTime) {
  model::JobAnswer answer = answer_of(model::Path::Thread);
  answer.time.cpu_user_ns = 500'000;
  const std::string text = text_of_report(answer, 0);
  EXPECT_NE(text.find("CPU       510 us (user 500 us, system 10.0 us)\n"),
            std::string::npos)
      << text;
}

TEST(ReportTextTest, SmallSharesAreNotNothing) {
  EXPECT_EQ(text_of_share(0), "0.0 %");
  EXPECT_EQ(text_of_share(0.0001), "<0.1 %");
  EXPECT_EQ(text_of_share(0.0999), "10 %");
  EXPECT_EQ(text_of_share(1), "100 %");
}

TEST(TraceJsonTest, TimesAreExactAndWhatWasLeftOutIsSaid) {
  model::JobAnswer answer = answer_of(model::Path::Process);
  answer.trace = {{{1, 71, 4, 2, 1'001, 2'500, model::ChunkEnd::Lost}}, 9};
  const std::string json = trace_to_json(answer);
  for (const char* part :
       {R"({"name": "chunk 4", "cat": "chunk", "ph": "X", "ts": 1.001, "dur": 1.499, )"
        R"("pid": 2, "tid": 2, "cname": "terrible", "args": {"chunk": 4, )"
        R"("attempt": 2, "end": "lost", "worker": 1, "process": 71}})",
        R"("left_out": 9})",
        R"({"name": "9 further attempts were not recorded", )"
        R"("ph": "i", "s": "g", "ts": 2.500)",
        R"({"name": "run", "cat": "phase", "ph": "X", "ts": 30.000, "dur": 100.000)"})
    EXPECT_NE(json.find(part), std::string::npos) << part << "\n\n" << json;
}

}  // namespace
}  // namespace tally::cli

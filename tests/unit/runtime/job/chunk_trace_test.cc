#include "runtime/job/chunk_trace.h"

#include <gtest/gtest.h>

namespace tally::job {
namespace {

using model::ChunkEnd;
using Records = std::vector<model::ChunkRecord>;

constexpr Nanoseconds kReceived = 1000;

model::ChunkKey key_of(std::uint32_t chunk, std::uint32_t attempt = 1) {
  return {1, 0, chunk, attempt};
}

model::ChunkUsage usage_of(Nanoseconds began_ns, Nanoseconds run_ns) {
  model::ChunkUsage usage;
  usage.began_ns = began_ns;
  usage.run_ns = run_ns;
  return usage;
}

TEST(ChunkRecorderTest, TimesAreTheWorkersSinceTheJobWasReceived) {
  ChunkRecorder recorder(kReceived);
  recorder.dispatched(key_of(3), 2, 77, 1100);
  recorder.done(key_of(3), 2, usage_of(1200, 50), 1300);
  EXPECT_EQ(recorder.trace(1400).records,
            (Records{{2, 77, 3, 1, 200, 250, ChunkEnd::Done}}));
}

TEST(ChunkRecorderTest, NoWorkerCanPlaceAChunkOutsideTheTimeItHadIt) {
  for (const auto& [began, run] : {std::pair<Nanoseconds, Nanoseconds>{0, ~0ULL},
                                   {~0ULL, ~0ULL},
                                   {1, 1},
                                   {1250, 1'000'000}}) {
    ChunkRecorder recorder(kReceived);
    recorder.dispatched(key_of(0), 0, 77, 1100);
    recorder.done(key_of(0), 0, usage_of(began, run), 1300);
    const model::ChunkRecord record = recorder.trace(1400).records.at(0);
    EXPECT_GE(record.begin_ns, 100U);
    EXPECT_LE(record.begin_ns, record.end_ns);
    EXPECT_LE(record.end_ns, 300U);
  }
}

TEST(ChunkRecorderTest, ALostChunkIsRecordedAndSoIsItsNextAttempt) {
  ChunkRecorder recorder(kReceived);
  recorder.dispatched(key_of(0), 0, 77, 1100);
  recorder.dispatched(key_of(1), 0, 77, 1100);
  recorder.ended(key_of(0), 0, ChunkEnd::Lost, 1300);
  recorder.taken_back(0);
  recorder.dispatched(key_of(0, 2), 1, 78, 1350);
  recorder.done(key_of(0, 2), 1, usage_of(1360, 10), 1400);
  EXPECT_EQ(recorder.trace(1500).records,
            (Records{{0, 77, 0, 1, 100, 300, ChunkEnd::Lost},
                     {1, 78, 0, 2, 360, 370, ChunkEnd::Done}}));
}

TEST(ChunkRecorderTest, WhatIsStillInHandAtTheEndIsCalledOff) {
  ChunkRecorder recorder(kReceived);
  recorder.dispatched(key_of(4), 1, 77, 1100);
  EXPECT_EQ(recorder.trace(1500).records,
            (Records{{1, 77, 4, 1, 100, 500, ChunkEnd::CalledOff}}));
}

TEST(ChunkRecorderTest, WhatNobodyHasInHandIsIgnored) {
  ChunkRecorder recorder(kReceived);
  recorder.done(key_of(0), 0, usage_of(1, 2), 1300);
  recorder.ended(key_of(0), 0, ChunkEnd::Lost, 1300);
  recorder.taken_back(0);
  EXPECT_TRUE(recorder.trace(1500).records.empty());
}

TEST(ChunkRecorderTest, BeyondTheBoundAttemptsAreOnlyCounted) {
  ChunkRecorder recorder(kReceived);
  for (std::uint32_t i = 0; i < model::kMostChunkRecords + 2; ++i) {
    recorder.dispatched(key_of(i), 0, 77, 1100);
    recorder.done(key_of(i), 0, usage_of(1100, 1), 1200);
  }
  recorder.dispatched(key_of(0), 0, 77, 1300);
  const model::ChunkTrace trace = recorder.trace(1400);
  EXPECT_EQ(trace.records.size(), model::kMostChunkRecords);
  EXPECT_EQ(trace.left_out, 3U);
}

}  // namespace
}  // namespace tally::job

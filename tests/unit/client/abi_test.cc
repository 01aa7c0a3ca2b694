// The C ABI against a daemon on a real socket, played by a script: what an answer looks
// like through it, and which status comes with which answer.
#include <gtest/gtest.h>

#include <bit>
#include <string>

#include "tests/unit/client/listener.h"

namespace tally {
namespace {

// Runs a job against a daemon that answers it so.
void run(const model::Reply& reply, Outcome& outcome) {
  const Listener daemon(Answerer([&](const model::Request&) { return reply; }));
  tally_client* client = connect(daemon);
  tally_job* job = range_job();
  outcome.status = tally_run(client, job, &outcome.answer, &outcome.error);
  tally_job_free(job);
  tally_client_free(client);  // the answer outlives it
}

model::JobAnswer answer_with(std::vector<model::Value> values) {
  model::JobAnswer answer;
  answer.id = {0x7f3a91c2004be810, 17};
  answer.state = model::JobState::Done;
  for (model::Value& value : values) {
    answer.results.push_back({"label", "reducer", {}, "", std::move(value), {}});
  }
  return answer;
}

TEST(Abi, IntegersOf128BitsComeWhole) {
  Outcome outcome;
  const Int128 big = (Int128{-1} << 64) - 1;
  run(answer_with({big, Int128{45}}), outcome);
  ASSERT_EQ(outcome.status, TALLY_OK);
  ASSERT_EQ(tally_answer_result_count(outcome.answer), 2U);
  const tally_result* first = tally_answer_result(outcome.answer, 0);
  EXPECT_EQ(tally_result_kind(first), TALLY_KIND_INT);
  EXPECT_STREQ(tally_result_text(first), "-18446744073709551617");
  int64_t high = 0;
  uint64_t low = 0;
  ASSERT_EQ(tally_result_int128(first, &high, &low, nullptr), TALLY_OK);
  EXPECT_EQ(high, -2);
  EXPECT_EQ(low, UINT64_MAX);
  int64_t small = 7;
  EXPECT_EQ(tally_result_int64(first, &small, nullptr), TALLY_INVALID_ARGUMENT);
  EXPECT_EQ(small, 7) << "outputs stay as they were";
  EXPECT_EQ(tally_result_int64(tally_answer_result(outcome.answer, 1), &small, nullptr),
            TALLY_OK);
  EXPECT_EQ(small, 45);
  EXPECT_EQ(tally_answer_result(outcome.answer, 2), nullptr);
}

TEST(Abi, FloatsComeToTheBitAndF32WidensToF64) {
  Outcome outcome;
  run(answer_with({-0.0, 0.1F}), outcome);
  double f64 = 1;
  float f32 = 1;
  const tally_result* zero = tally_answer_result(outcome.answer, 0);
  const tally_result* tenth = tally_answer_result(outcome.answer, 1);
  ASSERT_EQ(tally_result_f64(zero, &f64, nullptr), TALLY_OK);
  EXPECT_EQ(std::bit_cast<std::uint64_t>(f64), std::uint64_t{1} << 63);
  ASSERT_EQ(tally_result_f32(tenth, &f32, nullptr), TALLY_OK);
  EXPECT_EQ(f32, 0.1F);
  ASSERT_EQ(tally_result_f64(tenth, &f64, nullptr), TALLY_OK);
  EXPECT_EQ(f64, double{0.1F});
  EXPECT_EQ(tally_result_kind(tenth), TALLY_KIND_F32);
  EXPECT_STREQ(tally_result_text(zero), "-0.0");
  tally_error* error = nullptr;
  EXPECT_EQ(tally_result_f32(zero, &f32, &error), TALLY_INVALID_ARGUMENT);
  EXPECT_STREQ(tally_error_code(error), "wrong_kind");
  tally_error_free(error);
}

TEST(Abi, IndexesNameTheirFile) {
  Outcome outcome;
  run(answer_with({model::ElementIndex{"a.npy", 5}, model::ElementIndex{{}, 6}}),
      outcome);
  uint64_t index = 0;
  const char* file = "x";
  ASSERT_EQ(tally_result_index(tally_answer_result(outcome.answer, 0), &index, &file,
                               nullptr),
            TALLY_OK);
  EXPECT_EQ(index, 5U);
  EXPECT_STREQ(file, "a.npy");
  ASSERT_EQ(tally_result_index(tally_answer_result(outcome.answer, 1), &index, &file,
                               nullptr),
            TALLY_OK);
  EXPECT_EQ(file, nullptr);
}

TEST(Abi, HistogramsAreArraysOfTheAnswer) {
  Outcome outcome;
  run(answer_with({model::Histogram{{0, 1, 2}, {5, 6}, 7, 8, 9}, 1.5}), outcome);
  const tally_result* result = tally_answer_result(outcome.answer, 0);
  EXPECT_EQ(tally_result_kind(result), TALLY_KIND_HISTOGRAM);
  EXPECT_STREQ(tally_result_text(result), "5 6");
  tally_histogram histogram{};
  tally_error* error = nullptr;
  EXPECT_EQ(tally_result_histogram(result, &histogram, &error), TALLY_INVALID_ARGUMENT);
  EXPECT_STREQ(tally_error_code(error), "bad_struct_size");
  tally_error_free(error);
  histogram.struct_size = sizeof histogram;
  ASSERT_EQ(tally_result_histogram(result, &histogram, nullptr), TALLY_OK);
  ASSERT_EQ(histogram.bins, 2U);
  EXPECT_EQ(histogram.edges[2], 2.0);
  EXPECT_EQ(histogram.counts[1], 6U);
  EXPECT_EQ(histogram.underflow, 7U);
  EXPECT_EQ(histogram.overflow, 8U);
  EXPECT_EQ(histogram.nan, 9U);
  EXPECT_EQ(tally_result_histogram(tally_answer_result(outcome.answer, 1), &histogram,
                                   &error),
            TALLY_INVALID_ARGUMENT);
  EXPECT_STREQ(tally_error_code(error), "wrong_kind");
  tally_error_free(error);
}

TEST(Abi, AResultWithoutAValueLeavesTheJobDone) {
  Outcome outcome;
  model::JobAnswer answer = answer_with({std::monostate()});
  answer.results[0].error = Error(Errc::NoValue, "the mean of nothing");
  run(answer, outcome);
  EXPECT_EQ(outcome.status, TALLY_OK);
  const tally_result* result = tally_answer_result(outcome.answer, 0);
  EXPECT_EQ(tally_result_kind(result), TALLY_KIND_NONE);
  EXPECT_EQ(tally_error_class(tally_result_error(result)), TALLY_NO_VALUE);
  double value = 0;
  EXPECT_EQ(tally_result_f64(result, &value, nullptr), TALLY_NO_VALUE);
}

TEST(Abi, AFailedJobGivesItsClassAndItsAnswer) {
  Outcome outcome;
  model::JobAnswer answer = answer_with({});
  answer.state = model::JobState::Failed;
  answer.error = Error(Errc::InvalidData, "bad_cell", "no number");
  run(answer, outcome);
  EXPECT_EQ(outcome.status, TALLY_INVALID_DATA);
  EXPECT_STREQ(tally_error_code(outcome.error), "bad_cell");
  ASSERT_NE(outcome.answer, nullptr);
  EXPECT_EQ(tally_answer_state(outcome.answer), TALLY_STATE_FAILED);
  EXPECT_STREQ(tally_error_code(tally_answer_error(outcome.answer)), "bad_cell");
}

TEST(Abi, APartialAnswerIsToldAsPartial) {
  Outcome outcome;
  model::JobAnswer answer = answer_with({Int128{1}});
  answer.state = model::JobState::Partial;
  run(answer, outcome);
  EXPECT_EQ(outcome.status, TALLY_PARTIAL);
  ASSERT_NE(outcome.answer, nullptr);
  EXPECT_STREQ(tally_result_text(tally_answer_result(outcome.answer, 0)), "1");
}

TEST(Abi, ARefusalHasNoAnswer) {
  Outcome outcome;
  run(Error(Errc::Overloaded, "too_many_jobs", "busy"), outcome);
  EXPECT_EQ(outcome.status, TALLY_OVERLOADED);
  EXPECT_EQ(outcome.answer, nullptr);
}

TEST(Abi, ReportsFillStructsOfAnySize) {
  model::JobAnswer answer = answer_with({});
  answer.elements = {10, 7, 2, 1};
  answer.time.total_ns = 1;
  answer.memory.input_bytes = 99;
  answer.worker_usage = {{3, 4242, 8, 9, 10, 11, std::nullopt}};
  Outcome outcome;
  run(answer, outcome);
  tally_elements elements{};
  EXPECT_EQ(tally_answer_elements(outcome.answer, &elements, nullptr),
            TALLY_INVALID_ARGUMENT);
  elements.struct_size = offsetof(tally_elements, missing);  // an older caller's
  elements.missing = 55;
  ASSERT_EQ(tally_answer_elements(outcome.answer, &elements, nullptr), TALLY_OK);
  EXPECT_EQ(elements.seen, 10U);
  EXPECT_EQ(elements.kept, 7U);
  EXPECT_EQ(elements.missing, 55U);
  tally_times times{};
  times.struct_size = sizeof times;
  ASSERT_EQ(tally_answer_times(outcome.answer, &times, nullptr), TALLY_OK);
  EXPECT_EQ(times.total_ns, 1U);
  EXPECT_GT(times.transport_ns, 0U);
  tally_memory memory{};
  memory.struct_size = sizeof memory;
  ASSERT_EQ(tally_answer_memory(outcome.answer, &memory, nullptr), TALLY_OK);
  EXPECT_EQ(memory.peak_rss_bytes, TALLY_UNMEASURED);
  EXPECT_EQ(memory.input_bytes, 99U);
  tally_worker_usage usage{};
  usage.struct_size = sizeof usage;
  ASSERT_EQ(tally_answer_worker(outcome.answer, 0, &usage, nullptr), TALLY_OK);
  EXPECT_EQ(usage.pid, 4242U);
  EXPECT_EQ(tally_answer_worker(outcome.answer, 1, &usage, nullptr),
            TALLY_INVALID_ARGUMENT);
  EXPECT_STREQ(tally_answer_job(outcome.answer), "7f3a91c2004be810-17");
}

TEST(Abi, JsonIsTheContractsObject) {
  Outcome outcome;
  run(answer_with({Int128{45}}), outcome);
  const std::string json = tally_answer_json(outcome.answer);
  EXPECT_TRUE(json.starts_with(R"({"job": "7f3a-17", "state": "done", "results": [)"));
  EXPECT_EQ(json, tally_answer_json(outcome.answer));
}

TEST(Abi, ManyJobsShareAClient) {
  const Listener daemon(Answerer([](const model::Request& request) -> model::Reply {
    const auto* submit = std::get_if<model::Submit>(&request);
    if (submit == nullptr) return model::Done{};
    const auto& range = std::get<model::RangeSource>(submit->spec.source);
    return answer_with({Int128{range.stop}});
  }));
  tally_client* client = connect(daemon);
  tally_job* job = range_job();
  tally_ticket tickets[50];
  for (int i = 0; i < 50; ++i) {
    ASSERT_EQ(tally_job_set_range(job, 0, i, 1, nullptr), TALLY_OK);
    ASSERT_EQ(tally_submit(client, job, &tickets[i], nullptr), TALLY_OK);
  }
  ASSERT_EQ(tally_flush(client, nullptr), TALLY_OK);
  for (int i = 49; i >= 0; --i) {
    Outcome outcome;
    ASSERT_EQ(tally_wait(client, tickets[i], &outcome.answer, nullptr), TALLY_OK);
    EXPECT_EQ(tally_result_text(tally_answer_result(outcome.answer, 0)),
              std::to_string(i));
  }
  Outcome again;
  EXPECT_EQ(tally_wait(client, tickets[0], &again.answer, &again.error),
            TALLY_INVALID_ARGUMENT);
  EXPECT_STREQ(tally_error_code(again.error), "unknown_ticket");
  EXPECT_EQ(tally_ping(client, 1'000'000'000, nullptr), TALLY_OK);
  tally_job_free(job);
  tally_client_free(client);
}

TEST(Abi, AJobNeedsAReducerAndASource) {
  const Listener daemon(Answerer([](const model::Request&) { return model::Done{}; }));
  tally_client* client = connect(daemon);
  tally_job* job = nullptr;
  ASSERT_EQ(tally_job_new(&job, nullptr), TALLY_OK);
  tally_ticket ticket = 0;
  for (const char* code : {"no_reducer", "no_source"}) {
    tally_error* error = nullptr;
    EXPECT_EQ(tally_submit(client, job, &ticket, &error), TALLY_INVALID_ARGUMENT);
    EXPECT_STREQ(tally_error_code(error), code);
    tally_error_free(error);
    ASSERT_EQ(tally_job_add_reducer(job, "sum", nullptr, nullptr, nullptr), TALLY_OK);
  }
  tally_job_free(job);
  tally_client_free(client);
}

}  // namespace
}  // namespace tally

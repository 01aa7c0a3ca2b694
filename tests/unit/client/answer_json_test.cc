#include "client/answer_json.h"

#include <gtest/gtest.h>

#include <bit>
#include <limits>
#include <string>

namespace tally::client {
namespace {

model::JobAnswer done() {
  model::JobAnswer answer;
  answer.id = {0x7f3a91c2004be810, 17};
  answer.state = model::JobState::Done;
  return answer;
}

// The JSON of one result with this value.
std::string result_json(model::ReducerResult result) {
  model::JobAnswer answer = done();
  answer.results = {std::move(result)};
  const std::string json = answer_to_json(answer, 0);
  const std::size_t start = json.find("\"results\": [") + 12;
  return json.substr(start, json.find("], \"elements\"") - start);
}

std::string value_json(model::Value value) {
  return result_json({"s", "s", {}, "", std::move(value), std::nullopt});
}

TEST(AnswerJson, IsTheContractFieldByField) {
  model::JobAnswer answer = done();
  const Int128 sum{124'999'999'750'000'000};
  answer.results = {{"sum", "sum", {}, "", sum, std::nullopt},
                    {"q", "quantile", {"0.99"}, "temp", 1.0, std::nullopt}};
  answer.elements = {500000000, 400000000, 60000000, 40000000};
  answer.daemon_kind = model::DaemonKind::System;
  answer.daemon_pid = 4000;
  answer.path = model::Path::Process;
  answer.reason = "hint cpu";
  answer.workers = 2;
  answer.chunks = 16;
  answer.retries = 3;
  answer.time = {1, 2, 3, 4, 5, 6, 21, 8, 9};
  answer.memory = {10, 11, 12, 13, 14, 55.5};
  answer.worker_usage = {{0, 4242, 8, 250000000, 15, 16, 17}};
  EXPECT_EQ(
      answer_to_json(answer, 77),
      R"({"job": "7f3a-17", "state": "done", "results": [)"
      R"({"label": "sum", "reducer": "sum", "type": "int", "value": "124999999750000000"}, )"
      R"({"label": "q", "reducer": "quantile", "args": [0.99], "column": "temp", )"
      R"("type": "f64", "value": 1.0, "bits": "0x3ff0000000000000"}], )"
      R"("elements": {"seen": 500000000, "kept": 400000000, "missing": 60000000, )"
      R"("filtered": 40000000}, "daemon": {"kind": "system", "pid": 4000}, )"
      R"("path": "process", "reason": "hint cpu", "workers": 2, "chunks": 16, )"
      R"("retries": 3, "time": {"queue_ns": 1, "plan_ns": 2, "run_ns": 3, )"
      R"("merge_ns": 4, "reply_ns": 5, "other_ns": 6, "total_ns": 21, )"
      R"("transport_ns": 77, "cpu_user_ns": 8, "cpu_system_ns": 9}, )"
      R"("memory": {"peak_rss_bytes": 10, "workers_pss_bytes": 11, )"
      R"("workers_anon_bytes": 12, "daemon_rss_bytes": 13, "input_bytes": 14, )"
      R"("system_used_percent": 55.5}, "worker_usage": [{"worker": 0, "pid": 4242, )"
      R"("chunks": 8, "elements": 250000000, "run_ns": 15, "cpu_ns": 16, )"
      R"("peak_rss_bytes": 17}]})");
}

TEST(AnswerJson, FloatsHaveTheirShortestFormAndTheirBits) {
  EXPECT_EQ(value_json(249999999.5),
            R"({"label": "s", "reducer": "s", "type": "f64", "value": 249999999.5, )"
            R"("bits": "0x41adcd64ff000000"})");
  EXPECT_EQ(value_json(-0.0),
            R"({"label": "s", "reducer": "s", "type": "f64", "value": -0.0, )"
            R"("bits": "0x8000000000000000"})");
  EXPECT_EQ(value_json(0.1F),
            R"({"label": "s", "reducer": "s", "type": "f32", "value": 0.1, )"
            R"("bits": "0x3dcccccd"})");
}

TEST(AnswerJson, NaNAndInfinitiesAreStrings) {
  EXPECT_EQ(value_json(std::numeric_limits<double>::quiet_NaN()),
            R"({"label": "s", "reducer": "s", "type": "f64", "value": "NaN", )"
            R"("bits": "0x7ff8000000000000"})");
  EXPECT_EQ(value_json(-std::numeric_limits<float>::infinity()),
            R"({"label": "s", "reducer": "s", "type": "f32", "value": "-Infinity", )"
            R"("bits": "0xff800000"})");
}

TEST(AnswerJson, IndexesNameTheirFileWhereThereAreFiles) {
  EXPECT_EQ(value_json(model::ElementIndex{"a.npy", 5}),
            R"({"label": "s", "reducer": "s", "type": "index", )"
            R"("value": {"file": "a.npy", "index": 5}})");
  EXPECT_EQ(value_json(model::ElementIndex{std::nullopt, 0}),
            R"({"label": "s", "reducer": "s", "type": "index", )"
            R"("value": {"file": null, "index": 0}})");
}

TEST(AnswerJson, HistogramsHaveOneEdgeMoreThanCounts) {
  EXPECT_EQ(value_json(model::Histogram{
                {0, 0.5, std::numeric_limits<double>::infinity()}, {5, 6}, 7, 8, 9}),
            R"({"label": "s", "reducer": "s", "type": "histogram", )"
            R"("value": {"edges": [0.0, 0.5, "Infinity"], "counts": [5, 6], )"
            R"("underflow": 7, "overflow": 8, "nan": 9}})");
}

TEST(AnswerJson, AResultWithoutAValueHasAnErrorAndNoValue) {
  EXPECT_EQ(result_json({"m",
                         "mean",
                         {},
                         "",
                         std::monostate(),
                         Error(Errc::NoValue, "the mean of nothing")}),
            R"({"label": "m", "reducer": "mean", "error": {"code": "no_value", )"
            R"("class": "no_value", "message": "the mean of nothing"}})");
}

TEST(AnswerJson, ArgumentsThatAreNumbersAreNumbers) {
  EXPECT_EQ(result_json({"q",
                         "q",
                         {"0.5", ".5", "1e3", "-2", "x", "", "nan", "0x10", "05", "1."},
                         "",
                         Int128{1},
                         std::nullopt}),
            R"({"label": "q", "reducer": "q", "args": [0.5, 0.5, 1e3, -2, "x", "", )"
            R"("nan", "0x10", 5.0, 1.0], "type": "int", "value": "1"})");
}

TEST(AnswerJson, WhatWasNotMeasuredIsNull) {
  model::JobAnswer answer = done();
  answer.worker_usage = {{}};
  const std::string json = answer_to_json(answer, 0);
  EXPECT_NE(
      json.find(R"("memory": {"peak_rss_bytes": null, "workers_pss_bytes": null, )"
                R"("workers_anon_bytes": null, "daemon_rss_bytes": 0)"),
      std::string::npos);
  EXPECT_NE(json.find(R"("peak_rss_bytes": null}]})"), std::string::npos);
}

TEST(AnswerJson, WhoDidNotSubmitAJobKnowsNoTransport) {
  EXPECT_NE(answer_to_json(done(), std::nullopt).find("\"transport_ns\": null"),
            std::string::npos);
}

TEST(AnswerJson, AFailedJobCarriesItsErrorWithTheCodesFields) {
  model::JobAnswer answer = done();
  answer.state = model::JobState::Failed;
  answer.error = Error(Errc::InvalidData, "bad_cell", "no number")
                     .with("file", std::string("a\xFF.csv"))
                     .with("line", std::int64_t{17})
                     .with("code", std::string("hidden"));
  EXPECT_TRUE(answer_to_json(answer, 0).starts_with(
      R"({"job": "7f3a-17", "state": "failed", "error": {"code": "bad_cell", )"
      R"("class": "invalid_data", "message": "no number", "file": "a)"
      "\xEF\xBF\xBD"
      R"(.csv", "line": 17}, "results": [], )"));
}

TEST(AnswerJson, AnErrorWithoutAJobIsAnObjectOfItsOwn) {
  EXPECT_EQ(error_to_json(Error(Errc::Unavailable, "no_daemon", "nobody listens")),
            R"({"error": {"code": "no_daemon", "class": "unavailable", )"
            R"("message": "nobody listens"}})");
}

TEST(AnswerJson, StatusHasThePartsOfTheContract) {
  model::ServerStatus status;
  status.pid = 4000;
  status.workers = {{0, 10, "idle", std::nullopt, 3, 4, 5, std::nullopt, "", 0, 'S'},
                    {1, 11, "busy", model::JobId{0x7f3a91c2004be810, 17}, 0, 0,
                     std::nullopt, 6, "chunk 3", 9, 0}};
  status.core_bounds = {{"affinity", 2.0}};
  const std::string json = server_status_to_json(status);
  EXPECT_TRUE(json.starts_with(R"({"pid": 4000, )"));
  EXPECT_NE(
      json.find(R"("workers": [{"worker": 0, "pid": 10, "state": "idle", )"
                R"("job": null, "chunks_done": 3, "restarts": 4, )"
                R"("pss_bytes": 5, "rss_bytes": null, "doing": "", "stalled_ns": 0, )"
                R"("process_state": "S"}, {"worker": 1, "pid": 11, )"
                R"("state": "busy", "job": "7f3a-17")"),
      std::string::npos);
  for (const char* part : {"\"threads\": {", "\"queue\": {", "\"memory\": {",
                           R"("bounds": [{"source": "affinity", "cores": 2.0}])"})
    EXPECT_NE(json.find(part), std::string::npos) << part;
}

TEST(AnswerJson, APlanOfUnknownLengthHasNoElements) {
  model::JobPlan plan;
  plan.path = model::Path::Thread;
  plan.reason = "hint io";
  EXPECT_EQ(plan_to_json(plan),
            R"({"path": "thread", "reason": "hint io", "workers": 0, "chunks": 0, )"
            R"("leaves": 0, "elements": null, "input_bytes": 0, "chunk_size": 0, )"
            R"("expected_ns": null, "measured_size": 0})");
}

TEST(AnswerJson, JobsAreAList) {
  EXPECT_EQ(jobs_to_json({}), R"({"jobs": []})");
  const model::JobSummary job{
      {1, 2}, model::JobState::Running, 1000, "sum,mean", model::Path::Thread, 3, 4, 5};
  EXPECT_EQ(jobs_to_json({job}),
            R"({"jobs": [{"job": "0000-2", "state": "running", "uid": 1000, )"
            R"("reducers": "sum,mean", "path": "thread", "chunks_done": 3, )"
            R"("chunks": 4, "age_ns": 5}]})");
}

TEST(AnswerJson, TransportIsNeverNegative) {
  EXPECT_EQ(transport_of(10, 4), 6U);
  EXPECT_EQ(transport_of(4, 10), 0U);
}

}  // namespace
}  // namespace tally::client

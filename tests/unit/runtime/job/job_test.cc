// One job's own steps, fed with partials that a real runner makes.
#include "runtime/job/job.h"

#include <gtest/gtest.h>

#include <cstring>
#include <utility>

#include "runtime/exec/chunk_runner.h"
#include "runtime/job/planning.h"

namespace tally::job {
namespace {

constexpr std::uint64_t kLeaf = plan::kLeafElements;

model::JobSpec range_spec(std::vector<std::string> reducers, std::int64_t stop) {
  model::JobSpec spec;
  spec.source = model::RangeSource{0, stop, 1};
  spec.chunk_size = kLeaf;
  for (const std::string& name : reducers)
    spec.reducers.push_back({name, {}, "", name + "!"});
  return spec;
}

model::JobSpec values_spec(std::vector<std::string> reducers,
                           const std::vector<double>& numbers) {
  model::JobSpec spec = range_spec(std::move(reducers), 0);
  model::ValuesSource values{model::ElementType::F64,
                             std::vector<std::byte>(numbers.size() * sizeof(double))};
  if (!numbers.empty())
    std::memcpy(values.bytes.data(), numbers.data(), values.bytes.size());
  spec.source = values;
  return spec;
}

std::unique_ptr<Job> planned_job(model::JobSpec spec,
                                 source::Inspection inspection = {}) {
  auto job =
      std::make_unique<Job>(model::JobId{5, 1}, std::move(spec),
                            std::make_shared<const exec::JobFiles>(), 1000, 1000);
  job->plan_started_ns = 1010;
  auto reduction = plan::plan_reduction(*job->spec, 8);
  EXPECT_TRUE(reduction);
  auto plan =
      plan::Plan::make(*job->spec, *std::move(reduction),
                       {model::Path::Thread, 4, "path given"}, std::move(inspection));
  EXPECT_TRUE(plan);
  job->set_plan(*std::move(plan), 1100);
  return job;
}

model::Partial partial_of(const Job& job, std::uint32_t chunk) {
  exec::ChunkPage page;
  exec::ChunkRunner runner(page);
  std::vector<std::uint32_t> descriptors;
  const auto task = job.plan().task(*job.spec, {1, 0, chunk, 1}, {}, descriptors);
  const model::ChunkOutcome outcome = runner.run(task, {});
  const auto* partial = std::get_if<model::Partial>(&outcome.result);
  if (partial != nullptr) return *partial;
  ADD_FAILURE() << std::get<Error>(outcome.result).message();
  return {};
}

// Runs and accepts every chunk, the last one first.
void run_all(Job& job, Nanoseconds at_ns = 2000) {
  job.dispatched(1200);
  for (std::uint32_t chunk = job.plan().chunks(); chunk-- > 0;) {
    const model::Partial partial = partial_of(job, chunk);
    EXPECT_TRUE(job.check(partial));
    EXPECT_TRUE(job.accept(partial, 0, 77, at_ns));
  }
}

model::JobAnswer answer_of(Job& job, Nanoseconds now_ns = 2500) {
  Result<model::JobAnswer> answer = job.finish(now_ns);
  if (answer) return *std::move(answer);
  ADD_FAILURE() << answer.error().message();
  return {};
}

Int128 integer(const model::ReducerResult& result) {
  const auto* value = std::get_if<Int128>(&result.value);
  if (value != nullptr) return *value;
  ADD_FAILURE() << result.label << " is no integer";
  return -1;
}

// --- results ---

TEST(Job, AnswersEachReducerUnderItsLabel) {
  const auto job = planned_job(range_spec({"sum", "count", "max", "argmin"}, 200'000));
  run_all(*job);
  const model::JobAnswer answer = answer_of(*job);
  EXPECT_EQ(answer.state, model::JobState::Done);
  EXPECT_FALSE(answer.error.has_value());
  ASSERT_EQ(answer.results.size(), 4U);
  EXPECT_EQ(answer.results[0].label, "sum!");
  EXPECT_EQ(answer.results[0].reducer, "sum");
  EXPECT_EQ(integer(answer.results[0]), Int128{200'000} * 199'999 / 2);
  EXPECT_EQ(integer(answer.results[1]), 200'000);
  EXPECT_EQ(integer(answer.results[2]), 199'999);
  EXPECT_EQ(std::get<model::ElementIndex>(answer.results[3].value),
            (model::ElementIndex{std::nullopt, 0}));
  EXPECT_EQ(answer.elements, (model::ElementCounts{200'000, 200'000, 0, 0}));
  EXPECT_EQ(answer.chunks, 4U);
  EXPECT_EQ(answer.workers, 4U);
  EXPECT_EQ(answer.path, model::Path::Thread);
  EXPECT_EQ(answer.reason, "path given");
}

TEST(Job, APlanThatWasForgottenIsMadeAgainTheSame) {
  const plan::PathLimits limits{4, 64, 2};
  for (const model::JobSpec& spec :
       {range_spec({"sum", "argmax"}, 200'000), values_spec({"mean"}, {1, 2, 4})}) {
    auto plan = plan_carried(spec, 0, limits);
    ASSERT_TRUE(plan);
    const auto no_files = std::make_shared<const exec::JobFiles>();
    Job kept({5, 1}, spec, no_files, 1000, 1000);
    Job forgot({5, 1}, spec, no_files, 1000, 1000);
    kept.set_plan(*plan, 1100);
    forgot.set_plan(*std::move(plan), 1100);
    forgot.forget_plan(limits);
    EXPECT_TRUE(forgot.planned());
    EXPECT_EQ(forgot.summary(1200, false).chunks, kept.summary(1200, false).chunks);
    EXPECT_EQ(forgot.summary(1200, false).path, kept.summary(1200, false).path);
    run_all(kept);
    run_all(forgot);
    const model::JobAnswer right = answer_of(kept);
    const model::JobAnswer answer = answer_of(forgot);
    ASSERT_EQ(answer.results.size(), right.results.size());
    for (std::size_t i = 0; i < right.results.size(); ++i)
      EXPECT_EQ(answer.results[i].value, right.results[i].value);
    EXPECT_EQ(answer.reason, right.reason);
    EXPECT_EQ(answer.workers, right.workers);
    EXPECT_EQ(answer.chunks, right.chunks);
  }
}

TEST(Job, EmptyInputLeavesMeanWithoutAValueAndSumAndCountZero) {
  const auto job = planned_job(values_spec({"mean", "count", "sum"}, {}));
  EXPECT_EQ(job->plan().chunks(), 0U);
  const model::JobAnswer answer = answer_of(*job);
  EXPECT_EQ(answer.state, model::JobState::Done);
  ASSERT_TRUE(answer.results[0].error.has_value());
  EXPECT_EQ(answer.results[0].error->errc(), Errc::NoValue);
  EXPECT_TRUE(std::holds_alternative<std::monostate>(answer.results[0].value));
  EXPECT_EQ(integer(answer.results[1]), 0);
  EXPECT_EQ(std::get<double>(answer.results[2].value), 0.0);
  EXPECT_FALSE(answer.results[1].error || answer.results[2].error);
}

// Two csv files of two columns; three rows, one cell of b missing.
class CsvJob : public ::testing::Test {
 protected:
  CsvJob() {
    model::JobSpec spec;
    model::FilesSource files;
    files.files = {{"x.csv", 0}, {"y.csv", 1}};
    spec.source = files;
    spec.missing = model::MissingPolicy::Skip;
    spec.reducers = {{"count", {}, "", "rows"},
                     {"count", {}, "b", "cells"},
                     {"sum", {}, "b", "sum"},
                     {"argmax", {}, "a", "where"}};
    source::Inspection inspection;
    inspection.in_bytes = true;
    inspection.files.resize(2);
    inspection.files[0].name = "x.csv";
    inspection.files[0].bytes = 20;
    inspection.files[1].name = "y.csv";
    inspection.files[1].bytes = 10;
    job_ = planned_job(std::move(spec), std::move(inspection));
  }

  // As a worker would give it: `b` and `a` in the order of the plan's columns.
  model::Partial rows_of(std::uint32_t file, std::vector<double> b,
                         std::vector<double> a) {
    model::Partial partial;
    partial.key = {1, 0, file, 1};
    partial.spans = {{file, 0, file == 0 ? 20U : 10U}};
    for (const auto* column : {&b, &a}) {
      const auto& families =
          job_->plan().reduction().columns[partial.columns.size()].families;
      model::ColumnPartial& one = partial.columns.emplace_back();
      one.counts.seen = a.size();
      one.counts.kept = column->size();
      one.counts.missing = a.size() - column->size();
      for (const model::Family family : families) {
        const auto state = reduce::make_state(family, model::ElementType::F64);
        EXPECT_EQ(state->update({column->data(), column->size(), file, 0, nullptr}),
                  column->size());
        model::StateBytes& bytes = one.states.emplace_back();
        bytes.family = family;
        bytes.version = state->version();
        state->serialise(bytes.bytes);
      }
    }
    return partial;
  }

  std::unique_ptr<Job> job_;
};

TEST_F(CsvJob, CountsRowsWithoutAColumnAndCellsWithOne) {
  for (const model::Partial& partial :
       {rows_of(1, {10}, {9}), rows_of(0, {5}, {1, 2})}) {
    ASSERT_TRUE(job_->check(partial));
    ASSERT_TRUE(job_->accept(partial, 0, 7, 2000));
  }
  const model::JobAnswer answer = answer_of(*job_);
  EXPECT_EQ(integer(answer.results[0]), 3);
  EXPECT_EQ(integer(answer.results[1]), 2);
  EXPECT_EQ(std::get<double>(answer.results[2].value), 15.0);
  EXPECT_EQ(std::get<model::ElementIndex>(answer.results[3].value),
            (model::ElementIndex{"y.csv", 0}));
  // What is shown is the column that lost most.
  EXPECT_EQ(answer.elements, (model::ElementCounts{3, 2, 1, 0}));
  EXPECT_EQ(answer.memory.input_bytes, 30U);
}

TEST_F(CsvJob, ColumnsOfUnequalHeightAreRefused) {
  model::Partial partial = rows_of(0, {5}, {1, 2});
  partial.columns[0].counts = {3, 1, 2, 0};
  EXPECT_FALSE(job_->check(partial));
}

// --- coverage ---

TEST(Job, APartialOfOtherElementsIsRefused) {
  const auto job = planned_job(range_spec({"sum"}, 200'000));
  model::Partial partial = partial_of(*job, 1);
  EXPECT_TRUE(job->check(partial));
  partial.key.chunk = 2;
  const Result<void> checked = job->check(partial);
  ASSERT_FALSE(checked);
  EXPECT_EQ(checked.error().code(), "coverage_mismatch");
}

TEST(Job, DoesNotFinishWithAChunkMissing) {
  for (std::uint32_t missing = 0; missing < 4; ++missing) {
    const auto job = planned_job(range_spec({"sum"}, 200'000));
    for (std::uint32_t chunk = 0; chunk < 4; ++chunk) {
      if (chunk == missing) continue;
      ASSERT_TRUE(job->accept(partial_of(*job, chunk), 0, 7, 2000));
    }
    const Result<model::JobAnswer> answer = job->finish(3000);
    ASSERT_FALSE(answer) << missing;
    EXPECT_EQ(answer.error().errc(), Errc::Internal);
    EXPECT_EQ(answer.error().code(), "coverage_mismatch");
  }
}

TEST(Job, BytesThatAreNoStateAreAnErrorAndMergeNothing) {
  const auto job = planned_job(range_spec({"sum", "min"}, 1000));
  model::Partial partial = partial_of(*job, 0);
  partial.columns[0].states[1].bytes.pop_back();
  const Result<void> accepted = job->accept(partial, 0, 7, 2000);
  ASSERT_FALSE(accepted);
  EXPECT_EQ(accepted.error().errc(), Errc::InvalidData);
  EXPECT_EQ(job->chunks_done(), 0U);
  ASSERT_TRUE(job->accept(partial_of(*job, 0), 0, 7, 2000));
  EXPECT_EQ(integer(answer_of(*job).results[0]), 999 * 1000 / 2);
}

// --- the account ---

TEST(Job, ItsPhasesAddUpToWhatHasElapsed) {
  const auto job = planned_job(range_spec({"sum"}, 200'000));
  run_all(*job, 2000);
  const model::JobTimes time = answer_of(*job, 2500).time;
  EXPECT_EQ(time.plan_ns, 90U);    // 1010 to 1100
  EXPECT_EQ(time.queue_ns, 110U);  // received at 1000, dispatched at 1200, but for that
  EXPECT_EQ(time.run_ns, 800U);    // to the last partial at 2000
  EXPECT_EQ(time.merge_ns, 500U);
  EXPECT_EQ(time.queue_ns + time.plan_ns + time.run_ns + time.merge_ns, 2500U - 1000U);
}

TEST(Job, ThatFailedTellsWhatItsFailedChunkCost) {
  const auto job = planned_job(range_spec({"sum"}, 200'000));
  job->dispatched(1200);
  job->charge({500, 300, 100, 4096, std::nullopt, 0}, 3, 77);
  const model::JobAnswer answer =
      job->fail(Error(Errc::InvalidData, "bad_cell", ""), 2500);
  EXPECT_EQ(answer.time.cpu_user_ns, 300U);
  EXPECT_EQ(answer.time.cpu_system_ns, 100U);
  ASSERT_EQ(answer.worker_usage.size(), 1U);
  EXPECT_EQ(answer.worker_usage[0].worker, 3U);
  EXPECT_EQ(answer.worker_usage[0].pid, 77U);
  EXPECT_EQ(answer.worker_usage[0].chunks, 0U);
  EXPECT_EQ(answer.worker_usage[0].cpu_ns, 400U);
  EXPECT_EQ(answer.memory.peak_rss_bytes, 4096U);
}

TEST(Job, OnlyTheFirstDispatchEndsTheQueue) {
  const auto job = planned_job(range_spec({"sum"}, 100));
  job->dispatched(1200);
  job->dispatched(1900);
  ASSERT_TRUE(job->accept(partial_of(*job, 0), 0, 7, 2000));
  EXPECT_EQ(answer_of(*job).time.run_ns, 800U);
}

TEST(Job, PhasesOfAJobThatFailedEarlyAddUpToo) {
  const Error why(Errc::Cancelled, "asked for");
  const auto waiting = planned_job(range_spec({"sum"}, 100));
  model::JobTimes time = waiting->fail(why, 4000).time;
  EXPECT_EQ(time.queue_ns + time.plan_ns, 3000U);
  EXPECT_EQ(time.run_ns + time.merge_ns, 0U);
  waiting->dispatched(3000);
  time = waiting->fail(why, 4000).time;
  EXPECT_EQ(time.queue_ns + time.plan_ns, 2000U);
  EXPECT_EQ(time.run_ns, 1000U);

  const Job unplanned({5, 2}, range_spec({"sum"}, 100), {}, 1000, 1000);
  time = unplanned.fail(why, 4000).time;
  EXPECT_EQ(time.queue_ns, 3000U);
  EXPECT_EQ(time.plan_ns + time.run_ns + time.merge_ns, 0U);
}

TEST(Job, UsageIsSummedBySlotAndProcess) {
  const auto job = planned_job(range_spec({"sum"}, 200'000));
  struct Ran {
    std::uint32_t slot, pid;
    std::uint64_t peak_rss, anon;
  };
  const Ran ran[] = {{0, 70, 900, 100},
                     {1, 71, 500, 200},
                     {0, 70, 700, 300},
                     {0, 72, 600, 50}};  // slot 0's process was replaced
  for (std::uint32_t chunk = 0; chunk < 4; ++chunk) {
    model::Partial partial = partial_of(*job, chunk);
    partial.usage = {10, 5, 2, ran[chunk].peak_rss, ran[chunk].anon};
    ASSERT_TRUE(job->accept(partial, ran[chunk].slot, ran[chunk].pid, 2000));
  }
  const model::JobAnswer answer = answer_of(*job);
  ASSERT_EQ(answer.worker_usage.size(), 3U);
  EXPECT_EQ(answer.worker_usage[0].pid, 70U);
  EXPECT_EQ(answer.worker_usage[0].chunks, 2U);
  EXPECT_EQ(answer.worker_usage[0].elements, 2 * kLeaf);
  EXPECT_EQ(answer.worker_usage[0].run_ns, 20U);
  EXPECT_EQ(answer.worker_usage[0].cpu_ns, 14U);
  EXPECT_EQ(answer.worker_usage[0].peak_rss_bytes, 900U);
  EXPECT_EQ(answer.worker_usage[1].pid, 72U);
  EXPECT_EQ(answer.worker_usage[1].worker, 0U);
  EXPECT_EQ(answer.worker_usage[2].worker, 1U);
  std::uint64_t elements = 0;
  for (const model::WorkerUsage& usage : answer.worker_usage)
    elements += usage.elements;
  EXPECT_EQ(elements, 200'000U);
  EXPECT_EQ(answer.time.cpu_user_ns, 20U);
  EXPECT_EQ(answer.time.cpu_system_ns, 8U);
  EXPECT_EQ(answer.memory.peak_rss_bytes, 900U);
  EXPECT_EQ(answer.memory.workers_anon_bytes, 250U);  // the last of each slot
}

TEST(Job, WhatWasNotMeasuredIsNotZero) {
  const auto job = planned_job(range_spec({"sum"}, 100));
  run_all(*job);
  const model::JobAnswer answer = answer_of(*job);
  EXPECT_FALSE(answer.memory.peak_rss_bytes.has_value());
  EXPECT_FALSE(answer.memory.workers_anon_bytes.has_value());
  EXPECT_FALSE(answer.worker_usage.at(0).peak_rss_bytes.has_value());
}

TEST(Job, ItsProgressIsTheExtentOfWhatWasAccepted) {
  const auto job = planned_job(range_spec({"sum"}, 200'000));
  ASSERT_TRUE(job->accept(partial_of(*job, 3), 0, 7, 2000));
  EXPECT_EQ(job->done_extent(), 200'000 - 3 * kLeaf);
  ASSERT_TRUE(job->accept(partial_of(*job, 0), 0, 7, 2000));
  EXPECT_EQ(job->done_extent(), 200'000 - 2 * kLeaf);
  EXPECT_EQ(job->chunks_done(), 2U);
}

TEST(Job, ASummaryShowsWhereItIs) {
  const auto job = planned_job(range_spec({"sum", "min"}, 200'000));
  ASSERT_TRUE(job->accept(partial_of(*job, 3), 0, 7, 2000));
  const model::JobSummary summary = job->summary(5000, true);
  EXPECT_EQ(summary.state, model::JobState::Running);
  EXPECT_EQ(job->summary(5000, false).state, model::JobState::Queued);
  EXPECT_EQ(summary.reducers, "sum!,min!");
  EXPECT_EQ(summary.chunks, 4U);
  EXPECT_EQ(summary.chunks_done, 1U);
  EXPECT_EQ(summary.age_ns, 4000U);
}

// --- divided chunks ---

model::JobSpec two_chunks() {
  model::JobSpec spec = range_spec({"sum", "argmax"}, 7 * kLeaf + 5);
  spec.chunk_size = 4 * kLeaf;
  return spec;
}

// Gives out a part of a chunk, runs and accepts it.
void run_part(Job& job, std::uint32_t chunk, const model::LeafRange& part) {
  job.give_out(chunk, part);
  exec::ChunkPage page;
  exec::ChunkRunner runner(page);
  std::vector<std::uint32_t> descriptors;
  const auto task = job.plan().task(*job.spec, {1, 0, chunk, 4}, part, descriptors);
  const model::ChunkOutcome outcome = runner.run(task, {});
  const auto& partial = std::get<model::Partial>(outcome.result);
  ASSERT_TRUE(job.check(partial));
  ASSERT_TRUE(job.accept(partial, 0, 7, 2000));
}

TEST(Job, AChunkWorkedOffInPartsGivesWhatItGivesWhole) {
  const auto job = planned_job(two_chunks());
  ASSERT_EQ(job->plan().chunks(), 2U);
  EXPECT_EQ(job->plan().divisible_leaves(0), 4U);
  run_part(*job, 1, {0, 2});
  run_part(*job, 1, {2, 3});
  EXPECT_EQ(job->chunks_done(), 0U);
  run_part(*job, 1, {3, 4});
  EXPECT_EQ(job->chunks_done(), 1U);
  job->give_out(0, std::nullopt);
  ASSERT_TRUE(job->accept(partial_of(*job, 0), 0, 7, 2000));
  const model::JobAnswer answer = answer_of(*job);
  const Int128 n = 7 * kLeaf + 5;
  EXPECT_EQ(answer.state, model::JobState::Done);
  EXPECT_EQ(integer(answer.results[0]), n * (n - 1) / 2);
  EXPECT_EQ(answer.elements.seen, 7 * kLeaf + 5);
  EXPECT_TRUE(answer.missing.empty());
}

TEST(Job, APartialOfAnotherPartIsNotTaken) {
  const auto job = planned_job(two_chunks());
  job->give_out(0, model::LeafRange{0, 2});
  EXPECT_EQ(job->check(partial_of(*job, 0)).error().code(), "coverage_mismatch");
}

TEST(Job, WhatIsLeftOutIsNamedAndTheRestIsThere) {
  const auto job = planned_job(two_chunks());
  run_part(*job, 0, {0, 2});
  const Error why(Errc::WorkerLost, "worker_killed", "killed");
  job->give_out(0, model::LeafRange{2, 3});
  job->leave_out(0, why, 2000);
  run_part(*job, 0, {3, 4});
  job->leave_out(1, why, 2000);  // it was never divided
  const model::JobAnswer answer = answer_of(*job);
  EXPECT_EQ(answer.state, model::JobState::Partial);
  EXPECT_EQ(answer.elements.seen, 3 * kLeaf);
  const auto sum = [](Int128 begin, Int128 end) {
    return (end * (end - 1) - begin * (begin - 1)) / 2;
  };
  EXPECT_EQ(integer(answer.results[0]), sum(0, 2 * kLeaf) + sum(3 * kLeaf, 4 * kLeaf));
  ASSERT_EQ(answer.missing.size(), 2U);
  EXPECT_EQ(answer.missing[0].begin, 2 * kLeaf);
  EXPECT_EQ(answer.missing[0].end, 3 * kLeaf);
  EXPECT_EQ(answer.missing[0].error, why);
  EXPECT_EQ(answer.missing[1].begin, 4 * kLeaf);
  EXPECT_EQ(answer.missing[1].end, 7 * kLeaf + 5);
}

TEST(Job, AnAnswerThatCoversNothingIsNone) {
  const auto job = planned_job(range_spec({"sum"}, 100));
  const Error why(Errc::WorkerLost, "worker_killed", "killed");
  job->leave_out(0, why, 2000);
  const auto answer = job->finish(2500);
  ASSERT_FALSE(answer);
  EXPECT_EQ(answer.error().code(), "worker_killed");
}

// --- ends with an error ---

TEST(Job, AFailedJobSaysWhyAndKeepsItsAccount) {
  const auto job = planned_job(range_spec({"sum"}, 200'000));
  job->dispatched(1200);
  ASSERT_TRUE(job->accept(partial_of(*job, 0), 0, 7, 2000));
  job->retries = 2;
  const Error why(Errc::WorkerLost, "worker_killed", "SIGKILL");
  const model::JobAnswer answer = job->fail(why, 2500);
  EXPECT_EQ(answer.state, model::JobState::Failed);
  EXPECT_EQ(answer.error, why);
  EXPECT_TRUE(answer.results.empty());
  EXPECT_EQ(answer.retries, 2U);
  EXPECT_EQ(answer.worker_usage.size(), 1U);
}

TEST(Job, TheStateAJobEndsInFollowsFromItsError) {
  for (std::uint16_t number = 1; number <= kLastErrc; ++number) {
    const auto errc = static_cast<Errc>(number);
    model::JobState expected = model::JobState::Failed;
    if (errc == Errc::Cancelled) expected = model::JobState::Cancelled;
    if (errc == Errc::DeadlineExceeded) expected = model::JobState::Expired;
    if (errc == Errc::Overloaded || errc == Errc::PermissionDenied)
      expected = model::JobState::Refused;
    EXPECT_EQ(state_of(Error(errc, "why")), expected) << name_of(errc);
  }
}

}  // namespace
}  // namespace tally::job

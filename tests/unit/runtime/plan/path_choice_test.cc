#include "runtime/plan/path_choice.h"

#include <gtest/gtest.h>

#include <limits>

namespace tally::plan {
namespace {

using model::Hint;
using model::Path;
using model::RangeSource;

constexpr std::int64_t kLeast = std::numeric_limits<std::int64_t>::min();
constexpr std::int64_t kMost = std::numeric_limits<std::int64_t>::max();
constexpr PathLimits kLimits{4, 64, 2};

model::JobSpec range_job(std::int64_t stop) {
  model::JobSpec spec;
  spec.source = RangeSource{0, stop, 1};
  return spec;
}

model::JobSpec files_job(Hint hint = Hint::Auto) {
  model::JobSpec spec;
  spec.source = model::FilesSource{};
  spec.hint = hint;
  return spec;
}

PathChoice chosen(const model::JobSpec& spec, PathLimits limits = kLimits) {
  const Result<PathChoice> choice = choose_path(spec, limits);
  if (choice) return *choice;
  ADD_FAILURE() << choice.error().message();
  return {};
}

Error refused(const model::JobSpec& spec) {
  const Result<PathChoice> choice = choose_path(spec, kLimits);
  if (!choice) return choice.error();
  ADD_FAILURE() << "was not refused";
  return Error(Errc::Internal, "was not refused");
}

// --- how many elements ---

TEST(ElementsOf, CountsUpToTheStop) {
  EXPECT_EQ(elements_of({0, 10, 1}), 10U);
  EXPECT_EQ(elements_of({0, 10, 3}), 4U);
  EXPECT_EQ(elements_of({0, 9, 3}), 3U);
  EXPECT_EQ(elements_of({-5, 5, 10}), 1U);
  EXPECT_EQ(elements_of({10, 0, -1}), 10U);
  EXPECT_EQ(elements_of({10, 0, -3}), 4U);
  EXPECT_EQ(elements_of({10, 1, -3}), 3U);
}

TEST(ElementsOf, ARangeThatRunsTheWrongWayIsEmpty) {
  EXPECT_EQ(elements_of({0, 0, 1}), 0U);
  EXPECT_EQ(elements_of({0, 0, -1}), 0U);
  EXPECT_EQ(elements_of({10, 0, 1}), 0U);
  EXPECT_EQ(elements_of({0, 10, -1}), 0U);
  EXPECT_EQ(elements_of({kMost, kLeast, kMost}), 0U);
  EXPECT_EQ(elements_of({kLeast, kMost, kLeast}), 0U);
}

TEST(ElementsOf, IsExactAtTheEndsOfWhatFits) {
  constexpr std::uint64_t kAll = std::numeric_limits<std::uint64_t>::max();
  EXPECT_EQ(elements_of({kLeast, kMost, 1}), kAll);
  EXPECT_EQ(elements_of({kMost, kLeast, -1}), kAll);
  EXPECT_EQ(elements_of({kLeast, kMost, 2}), kAll / 2 + 1);
  EXPECT_EQ(elements_of({kLeast, kMost, kMost}), 3U);
  EXPECT_EQ(elements_of({kMost, kLeast, kLeast}), 2U);
  EXPECT_EQ(elements_of({kMost, kLeast, -kMost}), 3U);
  EXPECT_EQ(elements_of({kLeast, kLeast + 1, kMost}), 1U);
  EXPECT_EQ(elements_of({kMost - 1, kMost, 1}), 1U);
  EXPECT_EQ(elements_of({kLeast + 1, kLeast, kLeast}), 1U);
}

TEST(ElementsOf, AgreesWithCountingThem) {
  for (int start = -7; start <= 7; ++start)
    for (int stop = -7; stop <= 7; ++stop)
      for (int step = -4; step <= 4; ++step) {
        if (step == 0) continue;
        std::uint64_t count = 0;
        for (int at = start; step > 0 ? at < stop : at > stop; at += step) ++count;
        EXPECT_EQ(elements_of({start, stop, step}), count)
            << start << ":" << stop << ":" << step;
      }
}

TEST(CarriedElements, AreKnownOfRangeAndValuesOnly) {
  EXPECT_EQ(carried_elements(RangeSource{0, 7, 1}), 7U);
  EXPECT_EQ(carried_elements(model::ValuesSource{model::ElementType::I16,
                                                 std::vector<std::byte>(6)}),
            3U);
  EXPECT_FALSE(carried_elements(model::MemorySource{}).has_value());
  EXPECT_FALSE(carried_elements(model::FilesSource{}).has_value());
}

// --- which path ---

TEST(PathChoice, AtMostFourThousandAndNinetySixElementsRunInline) {
  EXPECT_EQ(chosen(range_job(0)).path, Path::Inline);
  EXPECT_EQ(chosen(range_job(4096)).path, Path::Inline);
  EXPECT_EQ(chosen(range_job(4096)).reason, "at most 4096 elements");
  EXPECT_EQ(chosen(range_job(4096)).workers, 1U);
  EXPECT_EQ(chosen(range_job(4097)).path, Path::Process);
}

TEST(PathChoice, AJobThatAsksForWorkersOrIsolationIsNotInline) {
  model::JobSpec spec = range_job(10);
  spec.workers = 2;
  EXPECT_EQ(chosen(spec).path, Path::Process);
  EXPECT_EQ(chosen(spec).workers, 2U);
  spec.workers = 0;
  spec.require_isolated = true;
  EXPECT_EQ(chosen(spec).path, Path::Process);
  EXPECT_EQ(chosen(spec).reason, "isolation required");
}

TEST(PathChoice, TheHintPicksThePathAndTheReasonSaysSo) {
  EXPECT_EQ(chosen(files_job(Hint::Cpu)).path, Path::Process);
  EXPECT_EQ(chosen(files_job(Hint::Cpu)).reason, "hint cpu");
  EXPECT_EQ(chosen(files_job(Hint::Io)).path, Path::Thread);
  EXPECT_EQ(chosen(files_job(Hint::Io)).reason, "hint io");
  EXPECT_EQ(chosen(files_job(Hint::Auto)).path, Path::Process);
  EXPECT_EQ(chosen(range_job(5000)).reason, "auto: no input to wait for");
}

// --- what the first leaves settle ---

TEST(PathChoice, OnlyAutoOverFilesIsOpen) {
  EXPECT_TRUE(chosen(files_job(Hint::Auto)).open);
  EXPECT_FALSE(chosen(files_job(Hint::Io)).open);
  EXPECT_FALSE(chosen(range_job(5000)).open);
  model::JobSpec spec = files_job(Hint::Auto);
  spec.require_isolated = true;
  EXPECT_FALSE(chosen(spec).open);
}

plan::PathChoice settled(std::uint32_t workers, std::optional<MeasuredLeaves> leaves) {
  model::JobSpec spec = files_job(Hint::Auto);
  spec.workers = workers;
  return settle_path(chosen(spec), spec, kLimits, leaves);
}

TEST(PathChoice, LeavesThatComputeGoToProcesses) {
  const plan::PathChoice choice = settled(0, MeasuredLeaves{98, 2});
  EXPECT_EQ(choice.path, Path::Process);
  EXPECT_EQ(choice.workers, kLimits.workers);
  EXPECT_FALSE(choice.open);
  EXPECT_EQ(choice.reason, "auto: the first leaves kept a CPU busy 98 % of their time");
}

TEST(PathChoice, LeavesThatWaitGoToManyThreads) {
  const plan::PathChoice choice = settled(0, MeasuredLeaves{1, 99});
  EXPECT_EQ(choice.path, Path::Thread);
  EXPECT_EQ(choice.workers, kLimits.threads);
  EXPECT_EQ(choice.reason,
            "auto: the first leaves waited 99 % of their time for input");
  EXPECT_EQ(settled(2, MeasuredLeaves{1, 99}).workers, 2U);
}

TEST(PathChoice, WithoutAMeasurementItIsProcesses) {
  EXPECT_EQ(settled(0, std::nullopt).path, Path::Process);
  EXPECT_EQ(settled(0, std::nullopt).reason, "auto: too little to measure");
  EXPECT_EQ(settled(0, MeasuredLeaves{}).path, Path::Process);
}

TEST(PathChoice, IsolationOutweighsTheHint) {
  model::JobSpec spec = files_job(Hint::Io);
  spec.require_isolated = true;
  EXPECT_EQ(chosen(spec).path, Path::Process);
}

TEST(PathChoice, APathThatWasGivenIsTaken) {
  for (const Path path : {Path::Thread, Path::Process, Path::Inline}) {
    model::JobSpec spec = range_job(10);
    spec.path = path;
    EXPECT_EQ(chosen(spec).path, path);
    EXPECT_EQ(chosen(spec).reason, "path given");
  }
}

TEST(PathChoice, UsesThePoolOrTheCoresUnlessWaitingIsTheWork) {
  EXPECT_EQ(chosen(files_job(Hint::Cpu)).workers, 4U);
  EXPECT_EQ(chosen(files_job(Hint::Io)).workers, 64U);
  model::JobSpec on_threads = files_job(Hint::Cpu);
  on_threads.path = Path::Thread;
  EXPECT_EQ(chosen(on_threads).workers, 2U);
  EXPECT_EQ(chosen(on_threads, {4, 1, 8}).workers, 1U);
}

TEST(PathChoice, MoreWorkersThanThePoolHasAreRefusedByName) {
  model::JobSpec spec = files_job(Hint::Cpu);
  spec.workers = 4;
  EXPECT_EQ(chosen(spec).workers, 4U);
  spec.workers = 5;
  const Error error = refused(spec);
  EXPECT_EQ(error.errc(), Errc::InvalidArgument);
  EXPECT_EQ(error.code(), "too_many_workers");
  EXPECT_NE(error.message().find("the pool has 4"), std::string::npos);
  EXPECT_EQ(std::get<std::int64_t>(*error.field("limit")), 4);
}

TEST(PathChoice, MoreThreadsThanThereMayBeAreRefusedToo) {
  model::JobSpec spec = files_job(Hint::Io);
  spec.workers = 64;
  EXPECT_EQ(chosen(spec).workers, 64U);
  spec.workers = 65;
  EXPECT_NE(refused(spec).message().find("at most 64"), std::string::npos);
}

TEST(PathChoice, IsolationAndAPathWithoutItConflict) {
  for (const Path path : {Path::Thread, Path::Inline}) {
    model::JobSpec spec = range_job(10);
    spec.path = path;
    spec.require_isolated = true;
    const Error error = refused(spec);
    EXPECT_EQ(error.errc(), Errc::InvalidArgument);
    EXPECT_EQ(error.code(), "not_isolated");
    EXPECT_NE(error.message().find(name_of(path)), std::string::npos);
  }
}

TEST(PathChoice, WhatIsTooLargeOrHasFilesCannotBeForcedInline) {
  model::JobSpec spec = range_job(4097);
  spec.path = Path::Inline;
  EXPECT_EQ(refused(spec).code(), "not_inline");
  spec = files_job();
  spec.path = Path::Inline;
  EXPECT_EQ(refused(spec).code(), "not_inline");
}

TEST(PathChoice, StreamsGoToAsManyThreadsAsThereAre) {
  for (const Path path : {Path::Any, Path::Thread}) {
    model::JobSpec spec = files_job();
    spec.path = path;
    spec.hint = model::Hint::Cpu;
    const Result<PathChoice> choice = choose_stream_path(spec, {2, 64, 2});
    ASSERT_TRUE(choice);
    EXPECT_EQ(choice->path, Path::Thread);
    EXPECT_EQ(choice->workers, 64U);
    EXPECT_FALSE(choice->open);
  }
}

TEST(PathChoice, StreamsCannotGoToProcesses) {
  model::JobSpec process = files_job();
  process.path = Path::Process;
  model::JobSpec isolated = files_job();
  isolated.require_isolated = true;
  model::JobSpec workers = files_job();
  workers.workers = 1;
  for (const auto& [spec, word] :
       {std::pair(process, "--path process"), std::pair(isolated, "--require isolated"),
        std::pair(workers, "--workers")}) {
    const Result<PathChoice> choice = choose_stream_path(spec, {2, 64, 2});
    ASSERT_FALSE(choice);
    EXPECT_EQ(choice.error().code(), "no_stream");
    EXPECT_NE(choice.error().message().find(word), std::string::npos);
  }
}

// --- who needs cores ---

TEST(Waits, OnlyWhoIsHintedOrMeasuredToWaitOrReadsAStream) {
  EXPECT_FALSE(chosen(files_job()).waits);
  EXPECT_FALSE(chosen(files_job(Hint::Cpu)).waits);
  EXPECT_TRUE(chosen(files_job(Hint::Io)).waits);
  model::JobSpec isolated = files_job(Hint::Io);
  isolated.require_isolated = true;
  EXPECT_TRUE(chosen(isolated).waits);
  EXPECT_FALSE(chosen(range_job(10)).waits);

  const model::JobSpec spec = files_job();
  const PathChoice open = chosen(spec);
  EXPECT_TRUE(settle_path(open, spec, kLimits, MeasuredLeaves{40, 60}).waits);
  EXPECT_FALSE(settle_path(open, spec, kLimits, MeasuredLeaves{60, 40}).waits);
  EXPECT_FALSE(settle_path(open, spec, kLimits, std::nullopt).waits);

  const Result<PathChoice> stream = choose_stream_path(spec, kLimits);
  ASSERT_TRUE(stream);
  EXPECT_TRUE(stream->waits);
}

}  // namespace
}  // namespace tally::plan

// Who reduces what: reducers, the columns they read, the states each column needs.
#include <gtest/gtest.h>

#include "runtime/plan/reduction.h"

namespace tally::plan {
namespace {

using model::Family;
using Families = std::vector<Family>;

model::JobSpec csv_job(std::vector<std::pair<std::string, std::string>> reducers) {
  model::JobSpec spec;
  model::FilesSource files;
  files.files = {{"a.csv", 0}};
  spec.source = files;
  for (auto& [name, column] : reducers)
    spec.reducers.push_back({name, {}, column, name});
  return spec;
}

model::JobSpec range_job(std::vector<std::string> names) {
  model::JobSpec spec;
  spec.source = model::RangeSource{0, 10, 1};
  for (auto& name : names) spec.reducers.push_back({name, {}, "", name});
  return spec;
}

Reduction planned(const model::JobSpec& spec) {
  Result<Reduction> reduction = plan_reduction(spec, 1);
  if (reduction) return *std::move(reduction);
  ADD_FAILURE() << reduction.error().message();
  return {};
}

std::string refusal(const model::JobSpec& spec, std::size_t descriptors = 1) {
  const Result<Reduction> reduction = plan_reduction(spec, descriptors);
  if (reduction) return "none";
  EXPECT_EQ(reduction.error().errc(), Errc::InvalidArgument);
  return reduction.error().code();
}

TEST(Reduction, ReducersOfOneFamilyShareItsState) {
  const Reduction reduction = planned(range_job({"max", "sum", "mean", "argmin"}));
  ASSERT_EQ(reduction.columns.size(), 1U);
  EXPECT_EQ(reduction.columns[0].families, (Families{Family::Sum, Family::Extremes}));
  EXPECT_EQ(reduction.reducers.size(), 4U);
  EXPECT_EQ(reduction.selectors, std::vector<std::string>{""});
}

model::JobSpec histograms_job(std::vector<std::vector<std::string>> args) {
  model::JobSpec spec = range_job({"sum"});
  for (auto& one : args)
    spec.reducers.push_back({"histogram", std::move(one), "", "h"});
  return spec;
}

TEST(Reduction, HistogramsOfTheSameBinsShareAState) {
  const Reduction reduction = planned(
      histograms_job({{"2", "0", "1"}, {"edges=0", "1"}, {"lo=0", "hi=1", "bins=2"}}));
  ASSERT_EQ(reduction.columns.size(), 1U);
  EXPECT_EQ(reduction.columns[0].families, Families{Family::Sum});
  EXPECT_EQ(reduction.columns[0].histograms,
            (std::vector<model::HistogramBins>{{2, 0, 1, {}}, {1, 0, 1, {0, 1}}}));
  std::vector<std::optional<std::uint32_t>> which;
  for (const PlannedReducer& one : reduction.reducers) which.push_back(one.histogram);
  EXPECT_EQ(which, (std::vector<std::optional<std::uint32_t>>{std::nullopt, 0, 1, 0}));
}

TEST(Reduction, TheBinsOfAJobAreBounded) {
  EXPECT_EQ(refusal(histograms_job({{"65536", "0", "1"}})), "none");
  EXPECT_EQ(refusal(histograms_job({{"65536", "0", "1"}, {"1", "0", "1"}})),
            "too_many_bins");
  EXPECT_EQ(refusal(histograms_job({{"4294967296", "0", "1"}})), "bad_argument");
  EXPECT_EQ(refusal(histograms_job({{}})), "bad_argument");
}

TEST(Reduction, CountNeedsNoState) {
  const Reduction reduction = planned(range_job({"count"}));
  ASSERT_EQ(reduction.columns.size(), 1U);
  EXPECT_TRUE(reduction.columns[0].families.empty());
  EXPECT_FALSE(reduction.reducers[0].counts_rows);
}

TEST(Reduction, SeveralColumnsEachHaveWhatTheyNeed) {
  const Reduction reduction =
      planned(csv_job({{"sum", "b"}, {"min", "a"}, {"mean", "b"}, {"max", "b"}}));
  EXPECT_EQ(reduction.selectors, (std::vector<std::string>{"b", "a"}));
  EXPECT_EQ(reduction.columns[0].families, (Families{Family::Sum, Family::Extremes}));
  EXPECT_EQ(reduction.columns[1].families, Families{Family::Extremes});
  std::vector<std::uint32_t> columns;
  for (const PlannedReducer& one : reduction.reducers) columns.push_back(one.column);
  EXPECT_EQ(columns, (std::vector<std::uint32_t>{0, 1, 0, 0}));
}

TEST(Reduction, CountWithoutAColumnJoinsWhicheverIsThereAndCountsRows) {
  for (const bool first : {true, false}) {
    const Reduction reduction = first ? planned(csv_job({{"count", ""}, {"sum", "b"}}))
                                      : planned(csv_job({{"sum", "b"}, {"count", ""}}));
    EXPECT_EQ(reduction.selectors, std::vector<std::string>{"b"});
    EXPECT_EQ(reduction.columns[0].families, Families{Family::Sum});
    const PlannedReducer& count = reduction.reducers[first ? 0 : 1];
    EXPECT_EQ(count.column, 0U);
    EXPECT_TRUE(count.counts_rows);
    EXPECT_FALSE(reduction.reducers[first ? 1 : 0].counts_rows);
  }
}

TEST(Reduction, CountAloneLooksAtNoField) {
  const Reduction reduction = planned(csv_job({{"count", ""}}));
  EXPECT_EQ(reduction.selectors, std::vector<std::string>{"*"});
  EXPECT_TRUE(reduction.columns[0].families.empty());
  EXPECT_TRUE(reduction.reducers[0].counts_rows);
}

TEST(Reduction, CountOfAColumnCountsItsElements) {
  const Reduction reduction = planned(csv_job({{"count", "b"}}));
  EXPECT_EQ(reduction.selectors, std::vector<std::string>{"b"});
  EXPECT_FALSE(reduction.reducers[0].counts_rows);
}

TEST(Reduction, RefusesWhatItDoesNotKnow) {
  EXPECT_EQ(refusal(range_job({"summ"})), "unknown_reducer");
  model::JobSpec spec = range_job({"sum"});
  spec.reducers[0].args = {"0.5"};
  EXPECT_EQ(refusal(spec), "bad_argument");
}

TEST(Reduction, OnlyCsvHasColumns) {
  model::JobSpec spec = range_job({"sum"});
  spec.reducers[0].column = "b";
  EXPECT_EQ(refusal(spec), "no_columns");
  EXPECT_EQ(refusal(csv_job({{"sum", "*"}})), "unknown_column");
  EXPECT_EQ(refusal(csv_job({{"count", "*"}})), "unknown_column");
}

TEST(Reduction, AStepOfNothingIsRefused) {
  model::JobSpec spec = range_job({"sum"});
  spec.source = model::RangeSource{0, 10, 0};
  EXPECT_EQ(refusal(spec), "zero_step");
}

TEST(Reduction, ValuesAreWholeElements) {
  model::JobSpec spec = range_job({"sum"});
  spec.source = model::ValuesSource{model::ElementType::I32, std::vector<std::byte>(7)};
  EXPECT_EQ(refusal(spec), "bad_values");
  spec.source = model::ValuesSource{model::ElementType::I32, std::vector<std::byte>(8)};
  EXPECT_EQ(refusal(spec), "none");
  spec.source = model::ValuesSource{model::ElementType::I32, {}};
  EXPECT_EQ(refusal(spec), "none");
}

TEST(Reduction, EveryDescriptorMustHaveCome) {
  EXPECT_EQ(refusal(csv_job({{"sum", "b"}}), 0), "bad_descriptor");
  model::JobSpec spec = csv_job({{"sum", "b"}});
  std::get<model::FilesSource>(spec.source).files = {{"a", 0}, {"b", 2}, {"c", 1}};
  EXPECT_EQ(refusal(spec, 2), "bad_descriptor");
  EXPECT_EQ(refusal(spec, 3), "none");
  spec = range_job({"sum"});
  spec.source = model::MemorySource{{model::ElementType::F64, 1, 0, 0}, {}};
  EXPECT_EQ(refusal(spec, 1), "bad_descriptor");
  EXPECT_EQ(refusal(spec, 2), "none");
}

model::ReducerSpec dot(std::vector<std::string> columns) {
  return {"dot", std::move(columns), "", "dot"};
}

TEST(Reduction, PairsStandBehindAllColumnsAndAreSharedByTheirReducers) {
  model::JobSpec spec = csv_job({{"count", ""}, {"sum", "b"}});
  spec.reducers.push_back(dot({"a", "b"}));
  spec.reducers.push_back(dot({"b", "b"}));
  spec.reducers.push_back(dot({" a", "b "}));
  spec.reducers.push_back({"max", {}, "c", "max"});
  const Reduction reduction = planned(spec);
  EXPECT_EQ(reduction.selectors, (std::vector<std::string>{"b", "a", "c"}));
  ASSERT_EQ(reduction.columns.size(), 5U);
  EXPECT_EQ(model::input_columns(reduction.columns), 3U);
  EXPECT_EQ(reduction.columns[0].families, Families{Family::Sum});
  EXPECT_TRUE(reduction.columns[1].families.empty());
  EXPECT_EQ(reduction.columns[3].pair, (model::ColumnPair{1, 0}));
  EXPECT_EQ(reduction.columns[4].pair, (model::ColumnPair{0, 0}));
  EXPECT_EQ(reduction.columns[3].families, Families{Family::Dot});
  std::vector<std::uint32_t> columns;
  for (const PlannedReducer& one : reduction.reducers) columns.push_back(one.column);
  EXPECT_EQ(columns, (std::vector<std::uint32_t>{0, 0, 3, 4, 3, 2}));
  EXPECT_FALSE(reduction.array_pair);
}

TEST(Reduction, ADotOfCsvTakesTwoColumns) {
  for (const auto& columns : std::vector<std::vector<std::string>>{
           {}, {"a"}, {"a", "b", "c"}, {"a", ""}, {"", " "}}) {
    model::JobSpec spec = csv_job({});
    spec.reducers = {dot(columns)};
    EXPECT_EQ(refusal(spec), "bad_argument");
  }
  model::JobSpec spec = csv_job({});
  spec.reducers = {{"dot", {"a", "b"}, "c", "dot"}};
  EXPECT_EQ(refusal(spec), "bad_argument");
  spec.reducers = {dot({"a", "*"})};
  EXPECT_EQ(refusal(spec), "unknown_column");
}

// A dot over arrays.
model::JobSpec arrays_job(model::Source source, std::vector<std::string> others = {}) {
  model::JobSpec spec = range_job(std::move(others));
  spec.reducers.insert(spec.reducers.begin(), dot({}));
  spec.source = std::move(source);
  return spec;
}

model::FilesSource files_of(model::FileFormat format, std::size_t count) {
  model::FilesSource files;
  files.format = format;
  for (std::size_t i = 0; i < count; ++i) files.files.push_back({"x", 0});
  return files;
}

model::MemorySource two_memories() {
  return {{model::ElementType::F64, 0, 0, 9}, model::MemoryArray{}};
}

TEST(Reduction, TwoArraysAreTwoColumnsThatArePaired) {
  for (const model::Source& source :
       std::vector<model::Source>{two_memories(), files_of(model::FileFormat::Npy, 2),
                                  files_of(model::FileFormat::Raw, 2)}) {
    const Reduction reduction = planned(arrays_job(source, {"count"}));
    EXPECT_TRUE(reduction.array_pair);
    EXPECT_EQ(reduction.selectors.size(), 2U);
    ASSERT_EQ(reduction.columns.size(), 3U);
    EXPECT_EQ(reduction.columns[2].pair, (model::ColumnPair{0, 1}));
    for (const PlannedReducer& one : reduction.reducers) EXPECT_EQ(one.column, 2U);
  }
}

TEST(Reduction, WhatIsNoTwoArraysHasNoDot) {
  using model::FileFormat;
  model::FilesSource windowed = files_of(FileFormat::Npy, 2);
  windowed.windowed = true;
  for (const model::Source& source : std::vector<model::Source>{
           model::RangeSource{0, 9, 1}, model::ValuesSource{}, model::MemorySource{},
           files_of(FileFormat::Npy, 1), files_of(FileFormat::Npy, 3),
           files_of(FileFormat::Text, 2), windowed})
    EXPECT_EQ(refusal(arrays_job(source)), "dot_arrays") << source.index();
}

TEST(Reduction, ADotOfArraysIsWithCountsOnly) {
  EXPECT_EQ(refusal(arrays_job(two_memories(), {"count", "dot"})), "none");
  EXPECT_EQ(refusal(arrays_job(two_memories(), {"sum"})), "not_with_dot");
  EXPECT_EQ(refusal(arrays_job(two_memories(), {"summ"})), "unknown_reducer");
  model::JobSpec spec = arrays_job(two_memories());
  spec.reducers.front().args = {"a", "b"};
  EXPECT_EQ(refusal(spec), "no_columns");
  spec = arrays_job(two_memories(), {"count"});
  spec.reducers.back().column = "a";
  EXPECT_EQ(refusal(spec), "no_columns");
  // Two arrays in memory are paired, whoever asks.
  spec = arrays_job(two_memories(), {"sum"});
  spec.reducers.erase(spec.reducers.begin());
  EXPECT_EQ(refusal(spec), "not_with_dot");
  spec = arrays_job(two_memories());
  std::get<model::MemorySource>(spec.source).second->descriptor = 1;
  EXPECT_EQ(refusal(spec, 1), "bad_descriptor");
}

TEST(Reduction, AJobOverNoFilesIsRefused) {
  model::JobSpec spec = csv_job({{"sum", "b"}});
  std::get<model::FilesSource>(spec.source).files.clear();
  EXPECT_EQ(refusal(spec), "no_files");
}

}  // namespace
}  // namespace tally::plan

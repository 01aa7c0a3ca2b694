// Who reduces what: reducers, the columns they read, the states each column needs.
#include <gtest/gtest.h>

#include "runtime/plan/planner.h"

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
  spec.source = model::MemorySource{model::ElementType::F64, 1, 0, 0};
  EXPECT_EQ(refusal(spec, 1), "bad_descriptor");
  EXPECT_EQ(refusal(spec, 2), "none");
}

TEST(Reduction, AJobOverNoFilesIsRefused) {
  model::JobSpec spec = csv_job({{"sum", "b"}});
  std::get<model::FilesSource>(spec.source).files.clear();
  EXPECT_EQ(refusal(spec), "no_files");
}

}  // namespace
}  // namespace tally::plan

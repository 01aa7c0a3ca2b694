#include "runtime/merge/coverage.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <random>

namespace tally::merge {
namespace {

using model::Family;
using model::Span;

// One chunk of 30 elements in two files, two columns: {sum, extremes} and {sum}.
class Partials : public ::testing::Test {
 protected:
  Partials() {
    columns_ = {{{Family::Sum, Family::Extremes}}, {{Family::Sum}}};
    expected_.columns = columns_;
    expected_.spans = {{0, 10, 20}, {1, 0, 20}};
    expected_.elements = 30;
    partial_.spans = expected_.spans;
    partial_.columns.resize(2);
    for (model::ColumnPartial& column : partial_.columns)
      column.counts = {30, 30, 0, 0};
    partial_.columns[0].states = {{Family::Sum, 1, {}}, {Family::Extremes, 1, {}}};
    partial_.columns[1].states = {{Family::Sum, 1, {}}};
  }

  bool accepted() const {
    const Result<void> checked = check_partial(partial_, expected_);
    if (checked) return true;
    EXPECT_EQ(checked.error().errc(), Errc::Internal);
    EXPECT_EQ(checked.error().code(), "coverage_mismatch");
    return false;
  }

  std::vector<model::ColumnTask> columns_;
  ExpectedChunk expected_;
  model::Partial partial_;
};

TEST_F(Partials, WhatWasGivenOutIsAccepted) {
  EXPECT_TRUE(accepted());
}

TEST_F(Partials, MissingAndFilteredElementsWereSeen) {
  partial_.columns[0].counts = {30, 20, 7, 3};
  EXPECT_TRUE(accepted());
}

TEST_F(Partials, CountsThatDoNotAddUpAreRefused) {
  for (const model::ElementCounts counts :
       {model::ElementCounts{30, 29, 0, 0}, model::ElementCounts{30, 30, 1, 0},
        model::ElementCounts{30, 30, 0, 1}}) {
    partial_.columns[1].counts = counts;
    EXPECT_FALSE(accepted());
  }
}

TEST_F(Partials, AnElementMoreOrLessIsRefused) {
  for (const std::uint64_t seen : {0U, 29U, 31U, 60U}) {
    for (model::ColumnPartial& column : partial_.columns)
      column.counts = {seen, seen, 0, 0};
    EXPECT_FALSE(accepted()) << seen;
  }
}

TEST_F(Partials, OfUnknownSizeMustStillHaveColumnsOfOneHeight) {
  expected_.elements.reset();
  for (model::ColumnPartial& column : partial_.columns) column.counts = {99, 99, 0, 0};
  EXPECT_TRUE(accepted());
  partial_.columns[1].counts = {98, 98, 0, 0};
  EXPECT_FALSE(accepted());
}

TEST_F(Partials, OtherSpansThanWereGivenOutAreRefused) {
  const std::vector<std::vector<Span>> wrong{
      {},
      {{0, 10, 20}},                          // a file left out
      {{0, 10, 20}, {1, 0, 19}},              // the last element left out
      {{0, 11, 20}, {1, 0, 20}},              // the first one
      {{0, 10, 21}, {1, 0, 20}},              // one too many
      {{0, 10, 20}, {2, 0, 20}},              // a foreign file
      {{1, 0, 20}, {0, 10, 20}},              // out of order
      {{0, 10, 15}, {0, 15, 20}, {1, 0, 20}}  // touching ones not merged
  };
  for (const std::vector<Span>& spans : wrong) {
    partial_.spans = spans;
    EXPECT_FALSE(accepted());
  }
  partial_.spans = expected_.spans;
  partial_.spans.push_back({1, 0, 20});  // one twice
  EXPECT_FALSE(accepted());
}

TEST_F(Partials, OfAStreamEndWhereItEndedButCoverItFromItsStart) {
  expected_.stream = 1;
  expected_.elements.reset();
  for (const std::vector<Span>& spans :
       {std::vector<Span>{}, {{1, 0, 1}}, {{1, 0, 1'000'000}}}) {
    partial_.spans = spans;
    EXPECT_TRUE(accepted());
  }
  for (const std::vector<Span>& spans : {std::vector<Span>{{0, 0, 1}},
                                         {{1, 1, 2}},
                                         {{1, 0, 1}, {1, 2, 3}},
                                         {{1, 0, 1}, {2, 0, 1}}}) {
    partial_.spans = spans;
    EXPECT_FALSE(accepted());
  }
}

TEST_F(Partials, AnotherNumberOfColumnsIsRefused) {
  partial_.columns.pop_back();
  EXPECT_FALSE(accepted());
  partial_.columns.clear();
  EXPECT_FALSE(accepted());
}

TEST_F(Partials, AColumnTooManyIsRefused) {
  partial_.columns.push_back(partial_.columns.back());
  EXPECT_FALSE(accepted());
}

TEST_F(Partials, OtherFamiliesThanWereAskedForAreRefused) {
  auto& states = partial_.columns[0].states;
  std::swap(states[0], states[1]);
  EXPECT_FALSE(accepted());
  std::swap(states[0], states[1]);
  states.pop_back();
  EXPECT_FALSE(accepted());
  states.push_back({Family::Sum, 1, {}});
  EXPECT_FALSE(accepted());
  states.back().family = Family::Extremes;
  states.push_back({Family::Extremes, 1, {}});
  EXPECT_FALSE(accepted());
}

TEST_F(Partials, HistogramsFollowTheFamilies) {
  columns_[0].histograms = {{2, 0, 1, {}}};
  EXPECT_FALSE(accepted());
  auto& states = partial_.columns[0].states;
  states.push_back({Family::Histogram, 1, {}});
  EXPECT_TRUE(accepted());
  std::swap(states[1], states[2]);
  EXPECT_FALSE(accepted());
}

TEST_F(Partials, WindowsFollowTheHistograms) {
  columns_[0].histograms = {{2, 0, 1, {}}};
  columns_[0].windows = {{0, 9, false}};
  auto& states = partial_.columns[0].states;
  states.push_back({Family::Histogram, 1, {}});
  EXPECT_FALSE(accepted());
  states.push_back({Family::Ranks, 1, {}});
  EXPECT_TRUE(accepted());
  std::swap(states[1], states[2]);
  std::swap(states[2], states[3]);
  EXPECT_FALSE(accepted());
}

TEST_F(Partials, AnEmptyChunkCoversNothing) {
  expected_.spans.clear();
  expected_.elements = 0;
  EXPECT_FALSE(accepted());
  partial_.spans.clear();
  for (model::ColumnPartial& column : partial_.columns) column.counts = {};
  EXPECT_TRUE(accepted());
}

// --- the whole input ---

bool tiles(const std::vector<Span>& spans, const std::vector<std::uint64_t>& sizes) {
  Coverage coverage;
  for (const Span& span : spans) coverage.add({span});
  const Result<void> checked = coverage.covers_exactly(sizes);
  if (checked) return true;
  EXPECT_EQ(checked.error().errc(), Errc::Internal);
  EXPECT_EQ(checked.error().code(), "coverage_mismatch");
  return false;
}

TEST(Coverage, SpansInAnyOrderThatTouchAndFillAreTheWhole) {
  std::vector<Span> spans{{0, 0, 5}, {0, 5, 9}, {1, 0, 1}, {3, 0, 4}, {3, 4, 8}};
  std::mt19937_64 random(4);
  for (int again = 0; again < 50; ++again) {
    std::shuffle(spans.begin(), spans.end(), random);
    EXPECT_TRUE(tiles(spans, {9, 1, 0, 8}));
  }
}

TEST(Coverage, OfNothingIsNothing) {
  EXPECT_TRUE(tiles({}, {}));
  EXPECT_TRUE(tiles({}, {0}));
  EXPECT_TRUE(tiles({}, {0, 0, 0}));
  EXPECT_FALSE(tiles({}, {0, 1}));
}

TEST(Coverage, AGapIsRefusedWhereverItIs) {
  EXPECT_FALSE(tiles({{0, 1, 9}}, {9}));
  EXPECT_FALSE(tiles({{0, 0, 8}}, {9}));
  EXPECT_FALSE(tiles({{0, 0, 4}, {0, 5, 9}}, {9}));
  EXPECT_FALSE(tiles({{0, 0, 9}}, {9, 1}));
  EXPECT_FALSE(tiles({{1, 0, 1}}, {9, 1}));
}

TEST(Coverage, AnOverlapOrARepeatIsRefused) {
  EXPECT_FALSE(tiles({{0, 0, 5}, {0, 4, 9}}, {9}));
  EXPECT_FALSE(tiles({{0, 0, 9}, {0, 0, 9}}, {9}));
  EXPECT_FALSE(tiles({{0, 0, 9}, {0, 3, 4}}, {9}));
  EXPECT_FALSE(tiles({{0, 0, 10}}, {9}));
}

TEST(Coverage, AFileThatIsNotThereIsRefused) {
  EXPECT_FALSE(tiles({{0, 0, 9}, {1, 0, 1}}, {9}));
  EXPECT_FALSE(tiles({{0, 0, 9}, {7, 0, 1}}, {9, 0}));
  EXPECT_FALSE(tiles({{0, 0, 1}}, {}));
}

// A span that runs backwards could make up for an overlap.
TEST(Coverage, ASpanThatRunsBackwardsIsRefused) {
  EXPECT_FALSE(tiles({{0, 0, 3}, {0, 3, 5}, {0, 5, 3}}, {3}));
  EXPECT_FALSE(tiles({{0, 0, 9}, {0, 9, 4}, {0, 4, 9}}, {9}));
}

TEST(Coverage, WorksToTheEndOfWhatCanBeNumbered) {
  constexpr std::uint64_t kAll = ~std::uint64_t{0};
  EXPECT_TRUE(tiles({{0, 0, kAll - 1}, {0, kAll - 1, kAll}}, {kAll}));
  EXPECT_FALSE(tiles({{0, 0, kAll - 1}}, {kAll}));
}

TEST(Coverage, OneElementTakenFromOrGivenToARandomTilingIsSeen) {
  std::mt19937_64 random(9);
  for (int again = 0; again < 500; ++again) {
    std::vector<std::uint64_t> sizes;
    std::vector<Span> spans;
    for (std::uint32_t file = 0; file < 1 + random() % 5; ++file) {
      sizes.push_back(random() % 40);
      for (std::uint64_t at = 0; at < sizes.back();) {
        const std::uint64_t end = std::min(sizes.back(), at + 1 + random() % 9);
        spans.push_back({file, at, end});
        at = end;
      }
    }
    std::shuffle(spans.begin(), spans.end(), random);
    ASSERT_TRUE(tiles(spans, sizes));
    if (spans.empty()) continue;
    Span& changed = spans[random() % spans.size()];
    const Span before = changed;
    switch (random() % 4) {
      case 0: ++changed.begin; break;
      case 1: --changed.end; break;
      case 2: ++changed.end; break;
      default: ++changed.file; break;
    }
    ASSERT_FALSE(tiles(spans, sizes));
    changed = before;
    spans.erase(spans.begin() + static_cast<std::ptrdiff_t>(random() % spans.size()));
    ASSERT_FALSE(tiles(spans, sizes));
  }
}

}  // namespace
}  // namespace tally::merge

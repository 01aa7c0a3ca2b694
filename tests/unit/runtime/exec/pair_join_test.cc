// Rows of two columns: those that are kept, and what became of the others; and that a
// chunk's pairs are counted as its rows are.
#include "runtime/exec/pair_join.h"

#include <gtest/gtest.h>

#include <limits>
#include <utility>

#include "runtime/exec/chunk_runner.h"
#include "runtime/reduce/dot_state.h"

namespace tally::exec {
namespace {

using model::ElementType;

constexpr double kNan = std::numeric_limits<double>::quiet_NaN();
constexpr std::uint64_t kFirst = 100;

// A column with values in some of the rows from kFirst on.
struct Column {
  std::vector<double> values;
  std::vector<std::uint64_t> rows;

  bool gaps(std::uint64_t of) const { return values.size() != of; }
};

source::Batch batch_of(const std::vector<Column>& columns, std::uint64_t rows) {
  source::Batch batch;
  batch.rows = batch.extent = rows;
  batch.first_row = kFirst;
  for (const Column& column : columns) {
    reduce::Block block;
    block.data = column.values.data();
    block.count = column.values.size();
    block.first_index =
        column.gaps(rows) && !column.rows.empty() ? column.rows[0] : kFirst;
    block.indices = column.gaps(rows) ? column.rows.data() : nullptr;
    batch.columns.push_back(block);
    batch.missing.push_back(rows - column.values.size());
  }
  return batch;
}

std::vector<std::pair<double, double>> pairs_of(const JoinedPairs& joined) {
  std::vector<std::pair<double, double>> pairs;
  for (std::size_t i = 0; i < joined.block.count; ++i)
    pairs.emplace_back(static_cast<const double*>(joined.block.data)[i],
                       static_cast<const double*>(joined.block.paired)[i]);
  return pairs;
}

using Pairs = std::vector<std::pair<double, double>>;

TEST(PairJoin, RowsWithBothValuesAreWhereTheyWere) {
  const std::vector<Column> columns{{{1, 2, 3}, {}}, {{4, kNan, 6}, {}}};
  const source::Batch batch = batch_of(columns, 3);
  PairJoin join;
  const JoinedPairs joined = join.join(batch, {0, 1}, ElementType::F64, false);
  EXPECT_EQ(joined.block.data, columns[0].values.data());
  EXPECT_EQ(joined.block.paired, columns[1].values.data());
  EXPECT_EQ(joined.block.count, 3U);
  EXPECT_EQ(joined.block.first_index, kFirst);
  EXPECT_EQ(joined.missing + joined.filtered, 0U);
}

TEST(PairJoin, ARowThatLacksEitherValueIsMissing) {
  const std::vector<Column> columns{{{1, 2, 4}, {100, 101, 103}},
                                    {{10, 30, 40, 50}, {100, 102, 103, 104}}};
  PairJoin join;
  const source::Batch batch = batch_of(columns, 6);
  const JoinedPairs joined = join.join(batch, {0, 1}, ElementType::F64, false);
  EXPECT_EQ(pairs_of(joined), (Pairs{{1, 10}, {4, 40}}));
  EXPECT_EQ(joined.missing, 4U);
  EXPECT_EQ(joined.filtered, 0U);
  EXPECT_EQ(pairs_of(join.join(batch, {1, 1}, ElementType::F64, false)),
            (Pairs{{10, 10}, {30, 30}, {40, 40}, {50, 50}}));
}

TEST(PairJoin, AColumnWithoutAGapMeetsOneWithGaps) {
  const std::vector<Column> columns{{{1, 2, 3, 4}, {}}, {{20, 40}, {101, 103}}};
  PairJoin join;
  const JoinedPairs joined =
      join.join(batch_of(columns, 4), {0, 1}, ElementType::F64, false);
  EXPECT_EQ(pairs_of(joined), (Pairs{{2, 20}, {4, 40}}));
  EXPECT_EQ(joined.missing, 2U);
}

TEST(PairJoin, NansAreFilteredIfTheyAreToBeSkipped) {
  const std::vector<Column> columns{{{kNan, 2, 3, kNan}, {}}, {{1, kNan, 6, kNan}, {}}};
  PairJoin join;
  const JoinedPairs joined =
      join.join(batch_of(columns, 4), {0, 1}, ElementType::F64, true);
  EXPECT_EQ(pairs_of(joined), (Pairs{{3, 6}}));
  EXPECT_EQ(joined.filtered, 3U);
  EXPECT_EQ(joined.missing, 0U);
}

class OneBatch final : public source::BlockReader {
 public:
  explicit OneBatch(source::Batch batch) : batch_(std::move(batch)) {}
  Result<bool> next(source::Batch& batch) override {
    batch = done_ ? source::Batch{} : batch_;
    return !std::exchange(done_, true);
  }
  void spans(std::vector<model::Span>&) const override {}

 private:
  const source::Batch batch_;
  bool done_ = false;
};

// A chunk of one batch with its columns 0 and 1 and the pairs of them.
model::ChunkOutcome run(const source::Batch& batch, model::NanPolicy nan) {
  model::ChunkTask task;
  task.nan = nan;
  task.columns.resize(3);
  task.columns[2].families = {model::Family::Dot};
  task.columns[2].pair = {0, 1};
  task.piece = model::FilePieces{};
  ChunkPage page;
  ChunkRunner runner(
      page,
      [&](const model::ChunkTask&, std::span<const int>,
          source::Scratch&) -> Result<std::unique_ptr<source::BlockReader>> {
        return std::unique_ptr<source::BlockReader>(std::make_unique<OneBatch>(batch));
      });
  return runner.run(task, {});
}

TEST(PairsOfAChunk, AreCountedAsItsRowsAre) {
  const std::vector<Column> columns{{{1, 2, kNan}, {100, 101, 103}},
                                    {{10, 30, 40}, {101, 102, 103}}};
  const auto outcome = run(batch_of(columns, 5), model::NanPolicy::Skip);
  const auto& partial = std::get<model::Partial>(outcome.result);
  ASSERT_EQ(partial.columns.size(), 3U);
  EXPECT_EQ(partial.columns[0].counts, (model::ElementCounts{5, 2, 2, 1}));
  EXPECT_EQ(partial.columns[1].counts, (model::ElementCounts{5, 3, 2, 0}));
  EXPECT_EQ(partial.columns[2].counts, (model::ElementCounts{5, 1, 3, 1}));
  ASSERT_EQ(partial.columns[2].states.size(), 1U);
  EXPECT_EQ(partial.columns[2].states[0].family, model::Family::Dot);
  reduce::FloatDotState state(ElementType::F64);
  ASSERT_TRUE(state.deserialise(partial.columns[2].states[0].version,
                                partial.columns[2].states[0].bytes));
  EXPECT_EQ(state.value(), 20);
}

TEST(PairsOfAChunk, ThatAreFewerThanItsRowsAreAnError) {
  const std::vector<Column> columns{{{1, 2, 3}, {}}, {{4, 5, 6}, {}}};
  source::Batch batch = batch_of(columns, 3);
  batch.columns[1].count = 2;
  const auto outcome = run(batch, model::NanPolicy::Propagate);
  ASSERT_TRUE(std::holds_alternative<Error>(outcome.result));
  EXPECT_EQ(std::get<Error>(outcome.result).code(), "coverage_mismatch");
}

}  // namespace
}  // namespace tally::exec

#include "runtime/exec/chunk_runner.h"

#include <gtest/gtest.h>

#include <cmath>
#include <cstring>
#include <limits>
#include <utility>

#include "runtime/merge/coverage.h"
#include "runtime/reduce/reducers.h"

namespace tally::exec {
namespace {

using model::ElementType;
using model::Family;
using model::NanPolicy;

constexpr double kNan = std::numeric_limits<double>::quiet_NaN();
const std::vector<Family> kAll{Family::Sum, Family::Extremes};

// One block that a fake source gives out: each column's elements, and how many rows it
// says it read (as many as the first column has, unless told otherwise).
struct FakeBlock {
  std::vector<std::vector<double>> columns;
  std::vector<std::uint64_t> missing;
  std::optional<std::uint64_t> rows;
};

struct FakeSource {
  std::vector<FakeBlock> blocks;
  std::vector<model::Span> spans;
  std::optional<Error> error;         // in place of the end
  std::function<void()> after_block;  // called when a block has been given out
};

class FakeReader final : public source::BlockReader {
 public:
  explicit FakeReader(const FakeSource& source) : source_(source) {}

  Result<bool> next(source::Batch& batch) override {
    if (at_ > 0 && source_.after_block) source_.after_block();
    batch = {};
    if (at_ == source_.blocks.size()) {
      if (source_.error) return *source_.error;
      return false;
    }
    const FakeBlock& block = source_.blocks[at_++];
    for (const std::vector<double>& column : block.columns)
      batch.columns.push_back({column.data(), column.size(), 0, index_, nullptr});
    batch.missing = block.missing;
    const std::uint64_t first = block.columns.empty() ? 0 : block.columns[0].size();
    batch.rows = block.rows.value_or(first);
    batch.extent = batch.rows;
    index_ += batch.rows;
    return true;
  }
  void spans(std::vector<model::Span>& into) const override { into = source_.spans; }

 private:
  const FakeSource& source_;
  std::size_t at_ = 0;
  std::uint64_t index_ = 0;
};

class Runner : public ::testing::Test {
 protected:
  model::ChunkOutcome run(const model::ChunkTask& task) {
    return runner_.run(task, {});
  }
  model::Partial partial_of(const model::ChunkTask& task) {
    model::ChunkOutcome outcome = run(task);
    if (auto* partial = std::get_if<model::Partial>(&outcome.result)) return *partial;
    ADD_FAILURE() << std::get<Error>(outcome.result).message();
    return {};
  }
  Error error_of(const model::ChunkTask& task) {
    const model::ChunkOutcome outcome = run(task);
    if (const auto* error = std::get_if<Error>(&outcome.result)) return *error;
    ADD_FAILURE() << "the chunk did not fail";
    return Error(Errc::Internal, "the chunk did not fail");
  }
  // What stands between a partial and a merge: the runner's own check, then the
  // coverage. `elements` none: as for csv, where nobody knows beforehand.
  std::string verdict(const model::ChunkTask& task, std::vector<model::Span> spans,
                      std::optional<std::uint64_t> elements) {
    const model::ChunkOutcome outcome = run(task);
    if (const auto* error = std::get_if<Error>(&outcome.result)) return error->code();
    const auto checked = merge::check_partial(std::get<model::Partial>(outcome.result),
                                              {task.columns, spans, elements, {}});
    return checked ? "accepted" : checked.error().code();
  }

  FakeSource source_;
  ChunkPage page_;
  ChunkRunner runner_{
      page_,
      [this](const model::ChunkTask&, std::span<const int>,
             source::Scratch&) -> Result<std::unique_ptr<source::BlockReader>> {
        return std::unique_ptr<source::BlockReader>(
            std::make_unique<FakeReader>(source_));
      }};
};

model::ChunkTask files_task(std::vector<model::ColumnTask> columns) {
  model::ChunkTask task;
  task.key = {7, 0, 3, 1};
  task.columns = std::move(columns);
  task.piece = model::FilePieces{};
  return task;
}

model::ChunkTask range_task(model::RangePiece piece) {
  model::ChunkTask task = files_task({{kAll}});
  task.type = ElementType::I64;
  task.piece = piece;
  return task;
}

reduce::FinishedValue finished(const char* reducer, const model::ChunkTask& task,
                               const model::ColumnPartial& column) {
  std::vector<std::unique_ptr<reduce::State>> states;
  for (const model::StateBytes& bytes : column.states) {
    states.push_back(reduce::make_state(bytes.family, task.type));
    EXPECT_TRUE(states.back()->deserialise(bytes.version, bytes.bytes));
  }
  const auto value = reduce::finish(*reduce::find_reducer(reducer),
                                    {task.type, &column.counts, states});
  if (value) return *value;
  ADD_FAILURE() << value.error().message();
  return {};
}

double number(const char* reducer, const model::ChunkTask& task,
              const model::ColumnPartial& column) {
  return std::get<double>(finished(reducer, task, column));
}

Int128 integer(const char* reducer, const model::ChunkTask& task,
               const model::ColumnPartial& column) {
  return std::get<Int128>(finished(reducer, task, column));
}

// --- what a chunk gives ---

TEST_F(Runner, GivesStatesCountsAndSpansOfAllBlocks) {
  source_.blocks = {{{{1, 2, 3}}, {0}, {}}, {{{-4, 5}}, {0}, {}}};
  source_.spans = {{0, 0, 5}};
  const model::ChunkTask task = files_task({{kAll}});
  const model::Partial partial = partial_of(task);
  EXPECT_EQ(partial.key, task.key);
  EXPECT_EQ(partial.spans, source_.spans);
  ASSERT_EQ(partial.columns.size(), 1U);
  EXPECT_EQ(partial.columns[0].counts, (model::ElementCounts{5, 5, 0, 0}));
  EXPECT_EQ(number("sum", task, partial.columns[0]), 7.0);
  EXPECT_EQ(number("min", task, partial.columns[0]), -4.0);
  EXPECT_EQ(std::get<reduce::Position>(finished("argmin", task, partial.columns[0])),
            (reduce::Position{0, 3}));
}

TEST_F(Runner, TellsItsPageHowFarItIs) {
  source_.blocks = {{{{1, 2, 3}}, {0}, {}}, {{{4, 5}}, {0}, {}}};
  std::vector<std::uint64_t> seen;
  source_.after_block = [&] { seen.push_back(page_.advanced.load()); };
  partial_of(files_task({{kAll}}));
  EXPECT_EQ(seen, (std::vector<std::uint64_t>{3, 5}));
  EXPECT_EQ(page_.begun.load(), 1U);
  source_.after_block = {};
  partial_of(files_task({{kAll}}));
  EXPECT_EQ(page_.advanced.load(), 5U);  // of the chunk at hand
  EXPECT_EQ(page_.begun.load(), 2U);     // of its life
}

TEST_F(Runner, AnEmptyPieceHasEmptyStates) {
  const model::ChunkTask task = files_task({{kAll}});
  const model::Partial partial = partial_of(task);
  EXPECT_TRUE(partial.spans.empty());
  EXPECT_EQ(partial.columns[0].counts, model::ElementCounts{});
  EXPECT_EQ(partial.columns[0].states.size(), 2U);
  EXPECT_EQ(number("sum", task, partial.columns[0]), 0.0);
}

TEST_F(Runner, CountsMissingElementsByColumn) {
  source_.blocks = {{{{1, 2, 3}, {10}}, {0, 2}, 3}};
  const model::ChunkTask task = files_task({{kAll}, {{Family::Sum}}});
  const model::Partial partial = partial_of(task);
  EXPECT_EQ(partial.columns[0].counts, (model::ElementCounts{3, 3, 0, 0}));
  EXPECT_EQ(partial.columns[1].counts, (model::ElementCounts{3, 1, 2, 0}));
  EXPECT_EQ(number("sum", task, partial.columns[1]), 10.0);
}

TEST_F(Runner, ACountAloneHasNoStates) {
  source_.blocks = {{{{1, 2, 3}}, {0}, {}}};
  const model::Partial partial = partial_of(files_task({{}}));
  EXPECT_TRUE(partial.columns[0].states.empty());
  EXPECT_EQ(partial.columns[0].counts.kept, 3U);
}

TEST_F(Runner, PassesTheSourcesErrorOn) {
  source_.blocks = {{{{1}}, {0}, {}}};
  source_.error = Error(Errc::InvalidData, "bad_cell", "line 17");
  EXPECT_EQ(error_of(files_task({{kAll}})), *source_.error);
}

TEST_F(Runner, AnExceptionInASourceIsAnError) {
  source_.blocks = {{{{1}}, {0}, {}}};
  source_.after_block = [] { throw std::bad_alloc(); };
  EXPECT_EQ(error_of(files_task({{kAll}})).errc(), Errc::Internal);
}

TEST_F(Runner, StatesUsedBeforeAreClean) {
  const model::ChunkTask one = files_task({{kAll}});
  source_.blocks = {{{{100, kNan}}, {0}, {}}};
  partial_of(one);
  source_.error = Error(Errc::InvalidData, "bad_cell", "in the middle");
  EXPECT_EQ(error_of(one).code(), "bad_cell");
  source_.error.reset();
  source_.blocks = {{{{1, 2}}, {0}, {}}};
  const model::Partial again = partial_of(one);
  EXPECT_EQ(number("sum", one, again.columns[0]), 3.0);
  EXPECT_EQ(number("max", one, again.columns[0]), 2.0);
  EXPECT_EQ(again.columns[0].counts, (model::ElementCounts{2, 2, 0, 0}));
}

TEST_F(Runner, TasksOfOtherShapesFollowEachOther) {
  const model::ChunkTask range = range_task({0, 1, 0, 4});
  EXPECT_EQ(integer("sum", range, partial_of(range).columns[0]), 6);
  source_.blocks = {{{{1, 2}, {5, 5}}, {0, 0}, {}}};
  const model::ChunkTask two = files_task({{{Family::Extremes}}, {{Family::Sum}}});
  const model::Partial partial = partial_of(two);
  EXPECT_EQ(number("max", two, partial.columns[0]), 2.0);
  EXPECT_EQ(number("sum", two, partial.columns[1]), 10.0);
  EXPECT_EQ(integer("sum", range, partial_of(range).columns[0]), 6);
}

// --- NaN ---

TEST_F(Runner, NanGoesThroughUnlessItIsToBeSkipped) {
  source_.blocks = {{{{1, kNan, 3}}, {0}, {}}};
  const model::ChunkTask task = files_task({{kAll}});
  const model::Partial partial = partial_of(task);
  EXPECT_TRUE(std::isnan(number("sum", task, partial.columns[0])));
  EXPECT_EQ(partial.columns[0].counts, (model::ElementCounts{3, 3, 0, 0}));
}

TEST_F(Runner, SkippedNansAreCountedAndKeepTheIndexesOfTheOthers) {
  source_.blocks = {{{{kNan, 4, kNan}}, {0}, {}},
                    {{{kNan, kNan}}, {0}, {}},
                    {{{7, kNan, 2}}, {0}, {}}};
  model::ChunkTask task = files_task({{kAll}});
  task.nan = NanPolicy::Skip;
  const model::Partial partial = partial_of(task);
  EXPECT_EQ(partial.columns[0].counts, (model::ElementCounts{8, 3, 0, 5}));
  EXPECT_EQ(number("sum", task, partial.columns[0]), 13.0);
  EXPECT_EQ(std::get<reduce::Position>(finished("argmin", task, partial.columns[0])),
            (reduce::Position{0, 7}));
  EXPECT_EQ(std::get<reduce::Position>(finished("argmax", task, partial.columns[0])),
            (reduce::Position{0, 5}));
}

TEST_F(Runner, ANanThatIsAnErrorIsNamedByItsIndex) {
  source_.blocks = {{{{1, 2}}, {0}, {}}, {{{3, kNan, kNan}}, {0}, {}}};
  model::ChunkTask task = files_task({{kAll}});
  task.nan = NanPolicy::Error;
  const Error error = error_of(task);
  EXPECT_EQ(error.errc(), Errc::InvalidData);
  EXPECT_EQ(error.code(), "nan_found");
  EXPECT_EQ(std::get<std::int64_t>(*error.field("index")), 3);
}

TEST_F(Runner, MissingAndNanAddUp) {
  source_.blocks = {{{{kNan, 2}}, {3}, 5}};
  model::ChunkTask task = files_task({{kAll}});
  task.nan = NanPolicy::Skip;
  EXPECT_EQ(partial_of(task).columns[0].counts, (model::ElementCounts{5, 1, 3, 1}));
}

// --- sources that drop, add or repeat ---

class LyingSource : public Runner {
 protected:
  LyingSource() {
    source_.blocks = {{{{1, 2, 3}}, {0}, {}}, {{{4, 5, 6}}, {0}, {}}};
    source_.spans = {{0, 0, 6}};
  }
  // Of a chunk that was given elements [0, 6) of file 0.
  std::string verdict_of_six() { return verdict(files_task({{kAll}}), {{0, 0, 6}}, 6); }
};

TEST_F(LyingSource, TheTruthIsAccepted) {
  EXPECT_EQ(verdict_of_six(), "accepted");
}

TEST_F(LyingSource, ADroppedElementIsSeen) {
  source_.blocks[1].columns[0].pop_back();  // its rows say so, its spans do not
  EXPECT_EQ(verdict_of_six(), "coverage_mismatch");
  source_.blocks[1].rows = 3;  // its rows do not say so either
  EXPECT_EQ(verdict_of_six(), "coverage_mismatch");
}

TEST_F(LyingSource, AnAddedElementIsSeen) {
  source_.blocks[1].columns[0].push_back(7);
  EXPECT_EQ(verdict_of_six(), "coverage_mismatch");
  source_.blocks[1].rows = 3;
  EXPECT_EQ(verdict_of_six(), "coverage_mismatch");
}

TEST_F(LyingSource, ARepeatedOrDroppedBlockIsSeen) {
  source_.blocks.push_back(source_.blocks[0]);
  EXPECT_EQ(verdict_of_six(), "coverage_mismatch");
  source_.blocks.resize(1);
  EXPECT_EQ(verdict_of_six(), "coverage_mismatch");
  source_.blocks.clear();
  EXPECT_EQ(verdict_of_six(), "coverage_mismatch");
}

TEST_F(LyingSource, ElementsOfAnotherPlaceAreSeen) {
  for (const std::vector<model::Span>& spans :
       {std::vector<model::Span>{{0, 6, 12}}, std::vector<model::Span>{{1, 0, 6}},
        std::vector<model::Span>{{0, 0, 3}, {0, 0, 3}}, std::vector<model::Span>{}}) {
    source_.spans = spans;
    EXPECT_EQ(verdict_of_six(), "coverage_mismatch");
  }
}

TEST_F(LyingSource, AMissingCellThatIsNotThereIsSeen) {
  source_.blocks[0].missing = {1};
  EXPECT_EQ(verdict_of_six(), "coverage_mismatch");
}

// As for csv, where the number of rows is known only from the reader.
TEST_F(LyingSource, ColumnsOfUnequalHeightAreSeenWithoutKnowingTheHeight) {
  source_.blocks = {{{{1, 2, 3}, {1, 2}}, {0, 0}, 3}};
  EXPECT_EQ(verdict(files_task({{kAll}, {kAll}}), {{0, 0, 6}}, {}),
            "coverage_mismatch");
  source_.blocks = {{{{1, 2, 3}, {1, 2}}, {0, 1}, 3}};
  EXPECT_EQ(verdict(files_task({{kAll}, {kAll}}), {{0, 0, 6}}, {}), "accepted");
}

TEST_F(LyingSource, AColumnTooManyIsNotReducedASecondTime) {
  source_.blocks = {{{{1, 2, 3}, {1, 2, 3}}, {0, 0}, 3}};
  EXPECT_EQ(verdict(files_task({{kAll}}), {{0, 0, 6}}, {}), "coverage_mismatch");
}

TEST_F(LyingSource, RowsWithoutTheirColumnsAreSeen) {
  source_.blocks = {{{}, {}, 3}};
  EXPECT_EQ(verdict(files_task({{kAll}}), {{0, 0, 6}}, {}), "coverage_mismatch");
  source_.blocks = {{{{1, 2, 3}}, {0}, 3}};
  EXPECT_EQ(verdict(files_task({{kAll}, {kAll}}), {{0, 0, 6}}, {}),
            "coverage_mismatch");
}

// --- cancelling ---

TEST_F(Runner, AFlagRaisedBeforehandStopsTheChunkBeforeItReads) {
  page_.called_off = ChunkPage::bit_of(0) | ChunkPage::bit_of(1);
  EXPECT_EQ(error_of(files_task({{kAll}})).errc(), Errc::Cancelled);
  EXPECT_EQ(error_of(range_task({0, 1, 0, 1'000'000})).errc(), Errc::Cancelled);
  EXPECT_EQ(page_.advanced.load(), 0U);
}

TEST_F(Runner, TheFlagIsPolledAtEveryBlock) {
  source_.blocks.assign(10, {{{1, 2}}, {0}, {}});
  int given = 0;
  source_.after_block = [&] {
    if (++given == 4) page_.called_off = ChunkPage::bit_of(0);
  };
  EXPECT_EQ(error_of(files_task({{kAll}})).errc(), Errc::Cancelled);
  EXPECT_EQ(page_.advanced.load(), 5 * 2U);  // with the block being read, and no more
}

TEST_F(Runner, TheFlagOfAnotherChunkIsNotForUs) {
  page_.called_off = ~ChunkPage::bit_of(0);
  source_.blocks = {{{{1, 2}}, {0}, {}}};
  EXPECT_EQ(partial_of(files_task({{kAll}})).columns[0].counts.kept, 2U);
}

// --- ranges ---

TEST_F(Runner, ARangePieceIsItsElements) {
  const model::ChunkTask task = range_task({100, -3, 10, 200'010});
  const model::Partial partial = partial_of(task);
  EXPECT_EQ(partial.spans, (std::vector<model::Span>{{0, 10, 200'010}}));
  EXPECT_EQ(partial.columns[0].counts, (model::ElementCounts{200'000, 200'000, 0, 0}));
  Int128 sum = 0;
  for (std::int64_t i = 10; i < 200'010; ++i) sum += 100 - 3 * i;
  EXPECT_EQ(integer("sum", task, partial.columns[0]), sum);
  EXPECT_EQ(integer("max", task, partial.columns[0]), 100 - 3 * 10);
  EXPECT_EQ(integer("min", task, partial.columns[0]), 100 - 3 * 200'009);
  EXPECT_EQ(page_.advanced.load(), 200'000U);
}

TEST_F(Runner, RangePiecesAreExactAtTheEndsOfI64) {
  constexpr std::int64_t kLeast = std::numeric_limits<std::int64_t>::min();
  constexpr std::int64_t kMost = std::numeric_limits<std::int64_t>::max();
  constexpr std::uint64_t kEnd = std::numeric_limits<std::uint64_t>::max();
  // The last elements of INT64_MIN:INT64_MAX, and those of the way back.
  model::ChunkTask task = range_task({kLeast, 1, kEnd - 3, kEnd});
  model::Partial partial = partial_of(task);
  EXPECT_EQ(integer("max", task, partial.columns[0]), kMost - 1);
  EXPECT_EQ(integer("sum", task, partial.columns[0]), Int128{kMost} * 3 - 6);
  task = range_task({kMost, -1, kEnd - 3, kEnd});
  partial = partial_of(task);
  EXPECT_EQ(integer("min", task, partial.columns[0]), kLeast + 1);
  task = range_task({kLeast, kMost, 0, 3});  // MIN, -1, MAX - 1
  partial = partial_of(task);
  EXPECT_EQ(integer("sum", task, partial.columns[0]), Int128{kLeast} + kMost - 2);
  task = range_task({kMost, kLeast, 0, 2});  // MAX, -1
  partial = partial_of(task);
  EXPECT_EQ(integer("sum", task, partial.columns[0]), Int128{kMost} - 1);
  EXPECT_EQ(integer("min", task, partial.columns[0]), -1);
}

TEST_F(Runner, AnEmptyRangePieceOwnsNothing) {
  const model::Partial partial = partial_of(range_task({5, 1, 7, 7}));
  EXPECT_TRUE(partial.spans.empty());
  EXPECT_EQ(partial.columns[0].counts, model::ElementCounts{});
}

TEST_F(Runner, ARangesCountVisitsNothingAndStillCounts) {
  model::ChunkTask task = range_task({0, 1, 0, 100'000});
  task.columns = {{}};
  const model::Partial partial = partial_of(task);
  EXPECT_EQ(partial.columns[0].counts.kept, 100'000U);
}

}  // namespace
}  // namespace tally::exec

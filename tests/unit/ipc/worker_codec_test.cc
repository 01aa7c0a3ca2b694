#include "ipc/codec/worker_codec.h"

#include <gtest/gtest.h>

#include <string>

#include "tests/unit/ipc/samples.h"

namespace tally::ipc {
namespace {

template <typename T>
T through_the_wire(const T& message) {
  Result<WorkerMessage> read = read_worker_message(worker_body(message));
  EXPECT_TRUE(read);
  return std::get<T>(*std::move(read));
}

std::string refusal(std::vector<AssignedTask> tasks) {
  const Result<WorkerMessage> read = read_worker_message(worker_body(std::move(tasks)));
  return read ? "accepted" : read.error().code();
}

std::vector<AssignedTask> sample_tasks() {
  return std::get<std::vector<AssignedTask>>(sample_worker_messages()[1]);
}

TEST(WorkerCodec, EveryMessageSurvivesTheWire) {
  for (const WorkerMessage& message : sample_worker_messages()) {
    const Bytes body = worker_body(message);
    const Result<WorkerMessage> read = read_worker_message(body);
    ASSERT_TRUE(read) << read.error().message();
    EXPECT_EQ(read->index(), message.index());
    EXPECT_EQ(worker_body(*read), body);
  }
}

TEST(WorkerCodec, ATaskKeepsItsColumnsAndPiece) {
  const auto tasks = through_the_wire(sample_tasks());
  ASSERT_EQ(tasks.size(), 7U);
  EXPECT_EQ(tasks[0].task.key, (model::ChunkKey{5, 1, 2, 3}));
  ASSERT_EQ(tasks[0].task.columns.size(), 2U);
  EXPECT_EQ(tasks[0].task.columns[0].families,
            (std::vector{model::Family::Sum, model::Family::Extremes}));
  EXPECT_TRUE(tasks[0].task.columns[1].families.empty());
  EXPECT_EQ(tasks[0].task.columns[1].histograms,
            (std::vector<model::HistogramBins>{{10, -0.5, 1e300, {}},
                                               {2, -1, 4, {-1, 0, 4}}}));
  EXPECT_EQ(tasks[0].task.columns[1].windows,
            (std::vector<model::KeyWindow>{{-7, 1LL << 62},
                                           {5, 5, 1 << 18, ~std::uint64_t{0}}}));
  EXPECT_EQ(std::get<model::RangePiece>(tasks[0].task.piece).start, -5);
  EXPECT_EQ(std::get<model::ValuesPiece>(tasks[1].task.piece).bytes.size(), 32U);
  const auto& files = std::get<model::FilePieces>(tasks[2].task.piece);
  EXPECT_EQ(files.csv.delimiter, '\t');
  ASSERT_EQ(files.pieces.size(), 2U);
  EXPECT_EQ(files.pieces[0].columns, (std::vector<std::uint32_t>{0, 5}));
  EXPECT_EQ(tasks[2].first_descriptor, 1U);
  EXPECT_EQ(tasks[2].descriptors, 2U);
}

TEST(WorkerCodec, ATaskKeepsItsPairsAndTheirArrays) {
  const model::ChunkTask task = through_the_wire(sample_tasks()).back().task;
  ASSERT_EQ(task.columns.size(), 4U);
  EXPECT_EQ(model::input_columns(task.columns), 2U);
  EXPECT_EQ(task.columns[2].pair, (model::ColumnPair{0, 1}));
  EXPECT_EQ(task.columns[3].pair, (model::ColumnPair{1, 1}));
  const auto& files = std::get<model::FilePieces>(task.piece);
  ASSERT_TRUE(files.pieces.front().partner);
  const model::PartnerPiece& partner = *files.pieces.front().partner;
  EXPECT_EQ(partner.name, "b.npy");
  EXPECT_EQ(partner.descriptor, 1U);
  EXPECT_EQ(partner.data_offset_bytes, ~std::uint64_t{0});
  EXPECT_EQ(partner.kept_array, 78U);
}

TEST(WorkerCodec, PairsOfWhatIsNotThereAreRefused) {
  const auto refused = [](auto change) {
    auto tasks = sample_tasks();
    change(tasks.back().task.columns);
    return refusal(tasks);
  };
  ASSERT_EQ(refused([](auto&) {}), "accepted");
  EXPECT_EQ(refused([](auto& columns) { columns.back().pair->left = 2; }), "bad_task");
  EXPECT_EQ(refused([](auto& columns) { columns.back().pair->right = 9; }), "bad_task");
  EXPECT_EQ(refused([](auto& columns) { columns.back().families.clear(); }),
            "bad_task");
  EXPECT_EQ(refused([](auto& columns) { columns.back().histograms.resize(1); }),
            "bad_task");
  EXPECT_EQ(
      refused([](auto& columns) { columns.front().families = {model::Family::Dot}; }),
      "bad_task");
  EXPECT_EQ(refused([](auto& columns) {
              columns.erase(columns.begin(), ++ ++columns.begin());
            }),
            "bad_task");
  for (const std::size_t column : {1U, 3U}) {  // of the pair, and the pair itself
    auto tasks = sample_tasks();
    tasks.back().task.images = tasks[3].task.images;  // else none is of text
    ASSERT_EQ(refusal(tasks), "accepted");
    tasks.back().task.columns[column].text = true;
    EXPECT_EQ(refusal(tasks), "bad_task");
  }
  auto tasks = sample_tasks();
  tasks.back().task.piece = model::RangePiece{};
  EXPECT_EQ(refusal(tasks), "bad_task");  // which has no second column
}

TEST(WorkerCodec, APartialKeepsItsCoverageAndStates) {
  const auto outcomes = through_the_wire(
      std::get<std::vector<model::ChunkOutcome>>(sample_worker_messages()[2]));
  ASSERT_EQ(outcomes.size(), 3U);
  const auto& partial = std::get<model::Partial>(outcomes[0].result);
  EXPECT_EQ(partial.key, outcomes[0].key);
  ASSERT_EQ(partial.spans.size(), 2U);
  EXPECT_EQ(partial.spans[1], (model::Span{3, 0, ~std::uint64_t{0}}));
  ASSERT_EQ(partial.columns.size(), 1U);
  EXPECT_EQ(partial.columns[0].counts, (model::ElementCounts{30, 20, 4, 6}));
  ASSERT_EQ(partial.columns[0].states.size(), 2U);
  EXPECT_EQ(partial.columns[0].states[0].version, 2);
  EXPECT_EQ(partial.columns[0].states[0].bytes.size(), 272U);
  EXPECT_EQ(partial.usage.peak_rss_bytes, 4096U);
  EXPECT_EQ(partial.usage.anon_bytes, std::nullopt);
  EXPECT_EQ(std::get<Error>(outcomes[1].result).code(), "bad_cell");
  EXPECT_EQ(outcomes[1].spent.run_ns, 70U);
  EXPECT_EQ(outcomes[1].spent.cpu_system_ns, 20U);
  EXPECT_EQ(outcomes[1].spent.anon_bytes, 4096U);
}

TEST(WorkerCodec, TasksThatNameNothingAreRefused) {
  auto tasks = sample_tasks();
  tasks[0].task.type = model::ElementType{11};
  EXPECT_EQ(refusal(tasks), "bad_enum");
  tasks = sample_tasks();
  tasks[0].task.columns[0].families = {model::Family{model::kLastFamily + 1}};
  EXPECT_EQ(refusal(tasks), "bad_enum");
  tasks = sample_tasks();
  tasks[0].task.columns.clear();
  EXPECT_EQ(refusal(tasks), "bad_task");
  tasks = sample_tasks();
  tasks[0].task.columns[1].windows[0].most_kept = model::kMostKeptKeys + 1;
  EXPECT_EQ(refusal(tasks), "bad_task");
  EXPECT_EQ(refusal(sample_tasks()), "accepted");
}

}  // namespace
}  // namespace tally::ipc

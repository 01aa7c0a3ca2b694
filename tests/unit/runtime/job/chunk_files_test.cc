// cut_runs: which files are open together, for any chunks over any files.
#include "runtime/job/chunk_files.h"

#include <gtest/gtest.h>

#include <random>
#include <set>

#include "runtime/job/descriptor_room.h"

namespace tally::job {
namespace {

plan::Plan plan_of(const std::vector<std::uint64_t>& elements, model::FileFormat format,
                   std::uint64_t chunk_size = 0, std::uint32_t workers = 2) {
  model::JobSpec spec;
  spec.chunk_size = chunk_size;
  model::FilesSource source;
  source.format = format;
  source.windowed = true;
  source::Inspection inspection;
  inspection.in_bytes = format == model::FileFormat::Csv;
  for (std::uint32_t i = 0; i < elements.size(); ++i) {
    source::InspectedFile file;
    file.name = std::to_string(i);
    file.descriptor = i;
    file.elements = elements[i];
    file.bytes = elements[i] * 8;
    inspection.files.push_back(file);
    source.files.push_back({file.name, 0});
  }
  spec.source = source;
  plan::Reduction reduction;
  reduction.selectors = {""};
  reduction.columns.resize(1);
  auto plan = plan::Plan::make(spec, reduction,
                               {model::Path::Process, workers, "path given", false},
                               inspection);
  if (!plan) ADD_FAILURE() << plan.error().message();
  return *std::move(plan);
}

// Every chunk is in one run, which has all files that the chunk reads, few enough.
void check(const plan::Plan& plan, std::size_t most) {
  std::uint32_t next = 0;
  for (const ChunkRun& run : cut_runs(plan, most)) {
    ASSERT_EQ(run.first_chunk, next);
    ASSERT_GT(run.end_chunk, run.first_chunk);
    ASSERT_LE(run.files.size(), most);
    const std::set<std::uint32_t> files(run.files.begin(), run.files.end());
    ASSERT_EQ(files.size(), run.files.size());
    ASSERT_TRUE(std::is_sorted(run.files.begin(), run.files.end()));
    std::set<std::uint32_t> needed;
    for (; next < run.end_chunk; ++next)
      for (const std::uint32_t file : plan.files_of(next)) needed.insert(file);
    ASSERT_EQ(files, needed);
  }
  ASSERT_EQ(next, plan.chunks());
}

TEST(CutRuns, FilesOfAChunkEachFillWindows) {
  const auto plan = plan_of(std::vector<std::uint64_t>(130, 3), model::FileFormat::Csv);
  const auto runs = cut_runs(plan, 64);
  ASSERT_EQ(runs.size(), 3U);
  EXPECT_EQ(runs[0].files.size(), 64U);
  EXPECT_EQ(runs[2].files, (std::vector<std::uint32_t>{128, 129}));
  check(plan, 64);
}

TEST(CutRuns, OneLargeFileIsOneRun) {
  const auto plan = plan_of({200 * 65'536}, model::FileFormat::Raw, 65'536);
  const auto runs = cut_runs(plan, 64);
  ASSERT_EQ(runs.size(), 1U);
  EXPECT_EQ(runs[0].end_chunk, 200U);
  EXPECT_EQ(runs[0].files, std::vector<std::uint32_t>{0});
}

TEST(CutRuns, AFileOverTheEndOfARunIsInBoth) {
  std::vector<std::uint64_t> elements(63, 65'536);
  elements.push_back(std::uint64_t{3} * 65'536);  // leaves 63, 64, 65
  elements.resize(80, 65'536);
  const auto plan = plan_of(elements, model::FileFormat::Raw, 64 * 65'536);
  const auto runs = cut_runs(plan, 64);
  ASSERT_EQ(runs.size(), 2U);
  EXPECT_EQ(runs[0].files.back(), 63U);
  EXPECT_EQ(runs[1].files.front(), 63U);
  check(plan, 64);
}

TEST(CutRuns, NoChunksNoRuns) {
  EXPECT_TRUE(cut_runs(plan_of({0, 0, 0}, model::FileFormat::Raw), 64).empty());
}

TEST(CutRuns, OfAnyFiles) {
  std::mt19937_64 random(1);
  for (int round = 0; round < 300 && !::testing::Test::HasFailure(); ++round) {
    std::vector<std::uint64_t> elements(1 + random() % 300);
    for (std::uint64_t& size : elements)
      size =
          random() % 4 == 0 ? 0 : random() % (random() % 8 == 0 ? 3'000'000 : 90'000);
    const auto format =
        random() % 4 == 0 ? model::FileFormat::Csv : model::FileFormat::Raw;
    const std::uint64_t chunk = random() % 3 == 0 ? 0 : 65'536ULL << (random() % 12);
    check(plan_of(elements, format, chunk), 64);
  }
}

TEST(DescriptorRoom, WhoWaitsIsCalledInOrderOnceSomeAreBack) {
  asio::io_context loop;
  Amounts most = kUnlimited;
  most.descriptors = 10;
  const auto ledger = std::make_shared<Ledger>(Limits{most, most});
  const auto room = std::make_shared<DescriptorRoom>(loop, ledger);
  room->hold(1, 10);
  EXPECT_FALSE(room->has(1, 1));
  std::string called;
  room->wait([&] { called += "a"; });
  room->wait([&] { called += "b"; });
  loop.run();
  EXPECT_EQ(called, "");
  room->give_back(1, 4);
  EXPECT_EQ(called, "");  // in a later turn
  loop.restart();
  loop.run();
  EXPECT_EQ(called, "ab");
  EXPECT_TRUE(room->has(1, 4));
  EXPECT_FALSE(room->has(1, 5));
}

}  // namespace
}  // namespace tally::job

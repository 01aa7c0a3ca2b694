#include "runtime/plan/planner.h"

#include <gtest/gtest.h>

#include <bit>
#include <cstring>
#include <limits>
#include <numeric>
#include <random>

namespace tally::plan {
namespace {

using model::Span;

constexpr std::uint64_t kLeaf = kLeafElements;

PathChoice slots(std::uint32_t workers) {
  return {model::Path::Process, workers, "path given"};
}

// A job over raw f64 files of these sizes.
struct FilesJob {
  explicit FilesJob(const std::vector<std::uint64_t>& elements) {
    model::FilesSource files;
    files.format = model::FileFormat::Raw;
    for (std::uint32_t i = 0; i < elements.size(); ++i) {
      source::InspectedFile file;
      file.name = "file" + std::to_string(i);
      file.descriptor = i + 100;
      file.data_offset_bytes = i;
      file.elements = elements[i];
      file.bytes = elements[i] * 8;
      inspection.files.push_back(file);
      files.files.push_back({file.name, file.descriptor});
    }
    spec.source = files;
  }

  Result<Plan> make(std::uint32_t workers = 2) const {
    Reduction reduction;
    reduction.selectors = {""};
    reduction.columns.resize(1);
    return Plan::make(spec, reduction, slots(workers), inspection);
  }

  model::JobSpec spec;
  source::Inspection inspection;
};

Plan must(Result<Plan> plan) {
  if (!plan) ADD_FAILURE() << plan.error().message();
  return *std::move(plan);
}

Plan range_plan(model::RangeSource range, std::uint64_t chunk_size = 0,
                std::uint32_t workers = 2) {
  model::JobSpec spec;
  spec.source = range;
  spec.chunk_size = chunk_size;
  return must(Plan::make(spec, {{""}, {{}}, {}, {}, {}}, slots(workers), {}));
}

std::vector<model::FilePiece> pieces_of(const Plan& plan, const model::JobSpec& spec,
                                        std::uint32_t chunk) {
  std::vector<std::uint32_t> descriptors;
  const model::ChunkTask task = plan.task(spec, {1, 0, chunk, 1}, {}, descriptors);
  auto pieces = std::get<model::FilePieces>(task.piece).pieces;
  EXPECT_EQ(pieces.size(), descriptors.size());
  for (const model::FilePiece& piece : pieces)
    EXPECT_EQ(descriptors.at(piece.descriptor), piece.file + 100);
  return pieces;
}

// Chunks in order must give each element of each file once, in order, in whole leaves,
// and say the same by task, by spans and by elements.
void expect_exact_tiling(const FilesJob& job, const Plan& plan) {
  const std::vector<std::uint64_t> sizes = plan.file_sizes();
  std::vector<std::uint64_t> reached(sizes.size(), 0);
  std::uint32_t last_file = 0;
  for (std::uint32_t chunk = 0; chunk < plan.chunks(); ++chunk) {
    std::uint64_t leaves = 0;
    std::uint64_t extent = 0;
    std::vector<Span> spans;
    for (const model::FilePiece& piece : pieces_of(plan, job.spec, chunk)) {
      ASSERT_GE(piece.file, last_file);
      last_file = piece.file;
      ASSERT_LT(piece.begin, piece.end);
      ASSERT_EQ(piece.begin, reached[piece.file]);
      ASSERT_EQ(piece.begin % kLeaf, 0U);
      ASSERT_TRUE(piece.end % kLeaf == 0 || piece.end == sizes[piece.file]);
      ASSERT_EQ(piece.data_offset_bytes, piece.file);
      ASSERT_EQ(piece.name, "file" + std::to_string(piece.file));
      reached[piece.file] = piece.end;
      leaves += (piece.end - piece.begin + kLeaf - 1) / kLeaf;
      extent += piece.end - piece.begin;
      spans.push_back({piece.file, piece.begin, piece.end});
    }
    const std::uint64_t per_chunk = plan.chunk_size() / kLeaf;
    ASSERT_TRUE(leaves == per_chunk || chunk + 1 == plan.chunks());
    ASSERT_GT(leaves, 0U);
    ASSERT_EQ(plan.spans(chunk), spans);
    ASSERT_EQ(plan.elements(chunk), extent);
    ASSERT_EQ(plan.chunk_extent(chunk), extent);
  }
  ASSERT_EQ(reached, sizes);
}

TEST(Plan, TilesFilesOfAnySizeExactly) {
  std::mt19937_64 random(5);
  const std::uint64_t edges[] = {0, 1, kLeaf - 1, kLeaf, kLeaf + 1, 5 * kLeaf};
  for (int again = 0; again < 400; ++again) {
    std::vector<std::uint64_t> sizes(1 + random() % 12);
    for (std::uint64_t& size : sizes)
      size = random() % 2 == 0 ? edges[random() % 6] : random() % (40 * kLeaf);
    FilesJob job(sizes);
    if (random() % 2 == 0) job.spec.chunk_size = 1 + random() % (20 * kLeaf);
    const Plan plan = must(job.make(1 + static_cast<std::uint32_t>(random() % 4)));
    EXPECT_TRUE(std::has_single_bit(plan.chunk_size() / kLeaf));
    expect_exact_tiling(job, plan);
    ASSERT_FALSE(HasFatalFailure());
  }
}

TEST(Plan, AChunkMaySpanManySmallFiles) {
  FilesJob job({10, 0, 20, 30, 0, 40});
  job.spec.chunk_size = 4 * kLeaf;
  const Plan plan = must(job.make());
  EXPECT_EQ(plan.leaves(), 4U);
  EXPECT_EQ(plan.chunks(), 1U);
  EXPECT_EQ(plan.spans(0),
            (std::vector<Span>{{0, 0, 10}, {2, 0, 20}, {3, 0, 30}, {5, 0, 40}}));
}

TEST(Plan, OfFilesThatComeInWindowsAChunkSpansOneWindowAtMost) {
  for (const std::uint64_t chunk_size : {std::uint64_t{0}, 4096 * kLeaf}) {
    FilesJob job(std::vector<std::uint64_t>(10'000, 5));
    std::get<model::FilesSource>(job.spec.source).windowed = true;
    job.spec.chunk_size = chunk_size;
    const Plan plan = must(job.make());
    EXPECT_EQ(plan.chunks(), 157U);
    for (std::uint32_t chunk = 0; chunk < plan.chunks(); ++chunk)
      EXPECT_LE(plan.files_of(chunk).size(), kMostChunkFiles);
  }
  // Large files need no smaller chunks.
  FilesJob job(std::vector<std::uint64_t>(100, 1000 * kLeaf));
  std::get<model::FilesSource>(job.spec.source).windowed = true;
  job.spec.chunk_size = 1024 * kLeaf;
  EXPECT_EQ(must(job.make()).chunk_size(), 1024 * kLeaf);
}

TEST(Plan, FilesOfNothingHaveNoChunks) {
  const FilesJob job({0, 0, 0});
  const Plan plan = must(job.make());
  EXPECT_EQ(plan.chunks(), 0U);
  EXPECT_EQ(plan.leaves(), 0U);
  EXPECT_EQ(plan.size(), 0U);
  EXPECT_EQ(plan.parallel(), 1U);
  EXPECT_EQ(plan.file_sizes(), (std::vector<std::uint64_t>{0, 0, 0}));
}

// --- the size of chunks ---

TEST(Plan, ChunkSizesAreRoundedUpToPowersOfTwoOfLeaves) {
  for (const auto& [wanted, given] :
       std::vector<std::pair<std::uint64_t, std::uint64_t>>{{1, 1},
                                                            {kLeaf, 1},
                                                            {kLeaf + 1, 2},
                                                            {2 * kLeaf, 2},
                                                            {3 * kLeaf, 4},
                                                            {5 * kLeaf, 8},
                                                            {100 * kLeaf, 128}}) {
    const Plan plan = range_plan({0, 1'000'000'000, 1}, wanted);
    EXPECT_EQ(plan.chunk_size(), given * kLeaf) << wanted;
  }
}

TEST(Plan, AChunkSizeBeyondEverythingIsOneChunk) {
  const Plan plan =
      range_plan({0, 1'000'000, 1}, std::numeric_limits<std::uint64_t>::max());
  EXPECT_EQ(plan.chunks(), 1U);
  EXPECT_EQ(plan.elements(0), 1'000'000U);
}

TEST(Plan, TheNumberOfSlotsChangesTheChunksAndNotTheLeaves) {
  const Plan one = range_plan({0, 500'000'000, 1}, 0, 1);
  const Plan many = range_plan({0, 500'000'000, 1}, 0, 64);
  EXPECT_EQ(one.leaves(), many.leaves());
  EXPECT_GT(one.chunk_size(), many.chunk_size());
  EXPECT_GE(many.chunks(), 64U * 16U);
}

TEST(Plan, MoreChunksThanAJobMayHaveAreRefused) {
  FilesJob job({kLeaf * kMaxChunks});
  job.spec.chunk_size = kLeaf;
  EXPECT_EQ(must(job.make()).chunks(), kMaxChunks);
  job = FilesJob({kLeaf * kMaxChunks + 1});
  job.spec.chunk_size = kLeaf;
  const Result<Plan> plan = job.make();
  ASSERT_FALSE(plan);
  EXPECT_EQ(plan.error().errc(), Errc::InvalidArgument);
  EXPECT_EQ(plan.error().code(), "too_many_chunks");
  EXPECT_NE(plan.error().message().find("65537"), std::string::npos);
}

TEST(Plan, TheWholeOfI64IsCutIntoChunksThatAreAllowed) {
  constexpr std::int64_t kLeast = std::numeric_limits<std::int64_t>::min();
  constexpr std::int64_t kMost = std::numeric_limits<std::int64_t>::max();
  for (const model::RangeSource range :
       {model::RangeSource{kLeast, kMost, 1}, model::RangeSource{kMost, kLeast, -1}}) {
    const Plan plan = range_plan(range);
    EXPECT_LE(plan.chunks(), kMaxChunks);
    std::uint64_t reached = 0;
    for (std::uint32_t chunk = 0; chunk < plan.chunks(); ++chunk) {
      ASSERT_EQ(plan.spans(chunk).size(), 1U);
      ASSERT_EQ(plan.spans(chunk)[0].begin, reached);
      reached = plan.spans(chunk)[0].end;
    }
    EXPECT_EQ(reached, std::numeric_limits<std::uint64_t>::max());
  }
}

// --- other sources ---

TEST(Plan, ARangesTaskIsItsElementsByNumber) {
  model::JobSpec spec;
  spec.source = model::RangeSource{100, -1'000'000, -3};
  spec.chunk_size = kLeaf;
  spec.nan = model::NanPolicy::Error;
  const Plan plan = must(Plan::make(spec, {{""}, {{}}, {}, {}, {}}, slots(2), {}));
  EXPECT_EQ(plan.type(), model::ElementType::I64);
  std::vector<std::uint32_t> descriptors;
  const model::ChunkTask task = plan.task(spec, {9, 0, 2, 3}, {}, descriptors);
  EXPECT_EQ(task.key, (model::ChunkKey{9, 0, 2, 3}));
  EXPECT_EQ(task.nan, model::NanPolicy::Error);
  EXPECT_TRUE(descriptors.empty());
  const auto& piece = std::get<model::RangePiece>(task.piece);
  EXPECT_EQ(piece.start, 100);
  EXPECT_EQ(piece.step, -3);
  EXPECT_EQ(piece.begin, 2 * kLeaf);
  EXPECT_EQ(piece.end, 3 * kLeaf);
}

TEST(Plan, ValuesTravelWithTheTasksThatNeedThem) {
  std::vector<std::uint16_t> numbers(2 * kLeaf + 17);
  std::iota(numbers.begin(), numbers.end(), std::uint16_t{0});
  model::ValuesSource values{model::ElementType::U16,
                             std::vector<std::byte>(numbers.size() * 2)};
  std::memcpy(values.bytes.data(), numbers.data(), values.bytes.size());
  model::JobSpec spec;
  spec.source = values;
  spec.chunk_size = kLeaf;
  const Plan plan = must(Plan::make(spec, {{""}, {{}}, {}, {}, {}}, slots(2), {}));
  EXPECT_EQ(plan.type(), model::ElementType::U16);
  EXPECT_EQ(plan.input_bytes(), values.bytes.size());
  ASSERT_EQ(plan.chunks(), 3U);
  std::vector<std::byte> together;
  std::vector<std::uint32_t> descriptors;
  for (std::uint32_t chunk = 0; chunk < 3; ++chunk) {
    const auto task = plan.task(spec, {1, 0, chunk, 1}, {}, descriptors);
    const auto& piece = std::get<model::ValuesPiece>(task.piece);
    EXPECT_EQ(piece.bytes.size(), (piece.end - piece.begin) * 2);
    EXPECT_EQ(piece.begin, chunk * kLeaf);
    together.insert(together.end(), piece.bytes.begin(), piece.bytes.end());
  }
  EXPECT_EQ(together, values.bytes);
}

TEST(Plan, ACsvFileIsOneChunkAnEmptyOneToo) {
  FilesJob job({0, 0, 0});
  auto& files = std::get<model::FilesSource>(job.spec.source);
  files.format = model::FileFormat::Csv;
  files.csv.delimiter = ';';
  job.inspection.in_bytes = true;
  job.inspection.files[0].bytes = 50'000'000;
  job.inspection.files[2].bytes = 7;
  for (auto& file : job.inspection.files) file.columns = {4};
  job.spec.chunk_size = kLeaf;
  const Plan plan = must(job.make());
  EXPECT_TRUE(plan.in_bytes());
  EXPECT_EQ(plan.chunks(), 3U);
  EXPECT_EQ(plan.file_sizes(), (std::vector<std::uint64_t>{50'000'000, 0, 7}));
  EXPECT_EQ(plan.spans(0), (std::vector<Span>{{0, 0, 50'000'000}}));
  EXPECT_EQ(plan.spans(1), std::vector<Span>{});
  EXPECT_EQ(plan.spans(2), (std::vector<Span>{{2, 0, 7}}));
  for (std::uint32_t chunk = 0; chunk < 3; ++chunk) {
    EXPECT_FALSE(plan.elements(chunk).has_value());
    EXPECT_EQ(pieces_of(plan, job.spec, chunk).size(), 1U);
  }
  std::vector<std::uint32_t> descriptors;
  const auto task = plan.task(job.spec, {1, 0, 2, 1}, {}, descriptors);
  const auto& pieces = std::get<model::FilePieces>(task.piece);
  EXPECT_EQ(pieces.format, model::FileFormat::Csv);
  EXPECT_EQ(pieces.csv.delimiter, ';');
  EXPECT_EQ(pieces.pieces[0].columns, std::vector<std::uint32_t>{4});
}

TEST(Plan, ASealedArrayIsOneFileWithoutAName) {
  model::JobSpec spec;
  spec.source = model::MemorySource{{model::ElementType::F32, 0, 64, 100'000}, {}};
  source::Inspection inspection;
  inspection.type = model::ElementType::F32;
  inspection.files.resize(1);
  inspection.files[0].elements = 100'000;
  inspection.files[0].bytes = 400'000;
  inspection.files[0].data_offset_bytes = 64;
  const Plan plan =
      must(Plan::make(spec, {{""}, {{}}, {}, {}, {}}, slots(2), std::move(inspection)));
  EXPECT_FALSE(plan.has_files());
  EXPECT_EQ(plan.type(), model::ElementType::F32);
  EXPECT_EQ(plan.input_bytes(), 400'000U);
  EXPECT_EQ(plan.size(), 100'000U);
  std::vector<std::uint32_t> descriptors;
  const auto task = plan.task(spec, {1, 0, 0, 1}, {}, descriptors);
  EXPECT_EQ(std::get<model::FilePieces>(task.piece).pieces[0].data_offset_bytes, 64U);
}

TEST(Plan, UsesNoMoreSlotsThanChunks) {
  EXPECT_EQ(range_plan({0, 10, 1}, 0, 8).parallel(), 1U);
  EXPECT_EQ(range_plan({0, 3 * 65'536, 1}, kLeaf, 8).parallel(), 3U);
  EXPECT_EQ(range_plan({0, 300 * 65'536, 1}, kLeaf, 8).parallel(), 8U);
}

TEST(Plan, WithAStreamEachFileIsAChunk) {
  FilesJob job({200'000, 0});
  job.inspection.streams = true;
  job.inspection.files[1].stream = true;
  const Plan plan = must(job.make(64));
  EXPECT_EQ(plan.chunks(), 2U);
  EXPECT_EQ(plan.parallel(), 2U);
  EXPECT_EQ(plan.stream_of(0), std::nullopt);
  EXPECT_EQ(plan.stream_of(1), 1U);
  EXPECT_EQ(plan.elements(0), 200'000U);
  EXPECT_EQ(plan.elements(1), std::nullopt);
  std::vector<std::uint32_t> descriptors;
  const model::ChunkTask task = plan.task(job.spec, {7, 0, 1, 1}, {}, descriptors);
  const auto& pieces = std::get<model::FilePieces>(task.piece).pieces;
  ASSERT_EQ(pieces.size(), 1U);
  ASSERT_TRUE(pieces[0].stream);
  EXPECT_EQ(pieces[0].stream->selectors, (std::vector<std::string>{""}));
  EXPECT_EQ(descriptors, (std::vector<std::uint32_t>{101}));
}

TEST(Plan, OnlySmallJobsWithoutFilesAreTiny) {
  EXPECT_TRUE(range_plan({0, 0, 1}).tiny());
  EXPECT_TRUE(range_plan({0, 4096, 1}).tiny());
  EXPECT_FALSE(range_plan({0, 4097, 1}).tiny());
  EXPECT_FALSE(must(FilesJob({10}).make()).tiny());
}

TEST(Plan, AJobWithManyBinsIsNotTiny) {
  for (const std::string bins : {"4096", "4097"}) {
    model::JobSpec spec;
    spec.source = model::RangeSource{0, 10, 1};
    spec.reducers = {{"histogram", {bins, "0", "1"}, "", "h"}};
    Result<Reduction> reduction = plan_reduction(spec, 0);
    ASSERT_TRUE(reduction);
    const Plan plan = must(Plan::make(spec, *std::move(reduction), slots(2), {}));
    EXPECT_EQ(plan.tiny(), bins == "4096");
  }
}

// Two arrays of so many elements each.
Result<Plan> pair_plan(std::uint64_t left, std::uint64_t right, bool stream = false,
                       const char* other_layout = "") {
  FilesJob job({left, right});
  job.spec.reducers = {{"dot", {}, "", "dot"}};
  job.spec.chunk_size = kLeaf;
  job.inspection.streams = job.inspection.files[1].stream = stream;
  job.inspection.files[1].layout = other_layout;
  Result<Reduction> reduction = plan_reduction(job.spec, 1000);
  if (!reduction) return std::move(reduction).error();
  return Plan::make(job.spec, *std::move(reduction), slots(2), job.inspection);
}

TEST(Plan, TwoArraysAreCutTogether) {
  const Plan plan = must(pair_plan(2 * kLeaf + 5, 2 * kLeaf + 5));
  EXPECT_EQ(plan.chunks(), 3U);
  EXPECT_EQ(plan.size(), 2 * kLeaf + 5);
  EXPECT_EQ(plan.input_bytes(), 16 * (2 * kLeaf + 5));
  EXPECT_EQ(plan.file_sizes(), std::vector<std::uint64_t>{2 * kLeaf + 5});
  std::vector<std::uint32_t> descriptors;
  const model::ChunkTask task =
      plan.task(FilesJob({}).spec, {1, 0, 2, 1}, {}, descriptors);
  const auto& pieces = std::get<model::FilePieces>(task.piece).pieces;
  ASSERT_EQ(pieces.size(), 1U);
  EXPECT_EQ(pieces[0].begin, 2 * kLeaf);
  EXPECT_EQ(pieces[0].end, 2 * kLeaf + 5);
  ASSERT_TRUE(pieces[0].partner);
  EXPECT_EQ(pieces[0].partner->name, "file1");
  EXPECT_EQ(pieces[0].partner->data_offset_bytes, 1U);
  EXPECT_EQ(descriptors.at(pieces[0].descriptor), 100U);
  EXPECT_EQ(descriptors.at(pieces[0].partner->descriptor), 101U);
  EXPECT_EQ(plan.spans(2), (std::vector<Span>{{0, 2 * kLeaf, 2 * kLeaf + 5}}));
}

TEST(Plan, ArraysThatCannotBePairedAreRefused) {
  const Result<Plan> unequal = pair_plan(7, 8);
  ASSERT_FALSE(unequal);
  EXPECT_EQ(unequal.error().code(), "different_lengths");
  EXPECT_NE(unequal.error().message().find("file0 has 7 elements, file1 has 8"),
            std::string::npos);
  const Result<Plan> turned = pair_plan(6, 6, false, "(2, 3)");
  ASSERT_FALSE(turned);
  EXPECT_EQ(turned.error().code(), "different_shapes");
  const Result<Plan> stream = pair_plan(0, 0, true);
  ASSERT_FALSE(stream);
  EXPECT_EQ(stream.error().code(), "no_stream");
  EXPECT_EQ(must(pair_plan(0, 0)).chunks(), 0U);
}

}  // namespace
}  // namespace tally::plan

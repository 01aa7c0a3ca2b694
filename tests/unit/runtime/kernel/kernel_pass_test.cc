#include "runtime/kernel/kernel_pass.h"

#include <cmath>
#include <limits>
#include <numeric>

#include "kernel_fixture.h"
#include "runtime/source/leaves.h"

namespace tally::kernels {
namespace {

using model::ElementType;
using model::FileFormat;

constexpr double kNan = std::numeric_limits<double>::quiet_NaN();

// The kernel `trace` writes its calls down (tests/kernels/trace.cc).
using Pass = KernelTest;

TEST_F(Pass, GivesARangeInBlocksOfTheGrid) {
  model::ChunkTask task = task_of("trace", "trace");
  task.type = ElementType::I64;
  task.piece = model::RangePiece{0, 1, 0, 20'000};
  EXPECT_EQ(
      text_of(task),
      "[0:0+8192=3.35503e+07][0:8192+8192=1.00659e+08][0:16384+3616=6.57805e+07]");
}

TEST_F(Pass, WidensARangeForAKernelThatTakesDoubles) {
  model::ChunkTask task = task_of("csum", "csum");
  task.type = ElementType::I64;
  task.piece = model::RangePiece{1, 1, 0, 100'000};
  const model::Partial partial = partial_of(task);
  EXPECT_EQ(std::get<double>(partial.outputs[0][0].value), 5'000'050'000.0);
  EXPECT_EQ(partial.kernels[0].counts.kept, 100'000U);
}

TEST_F(Pass, RefusesAnElementThatIsNoDoubleExactly) {
  model::ChunkTask task = task_of("csum", "csum");
  task.type = ElementType::I64;
  task.piece = values_of<std::int64_t>({1, (std::int64_t{1} << 53) + 1});
  const Error error = error_of(task);
  EXPECT_EQ(error.code(), "not_exact");
  EXPECT_NE(error.message().find("9007199254740993"), std::string::npos);
}

TEST_F(Pass, MergesALeafAStateAlongTheTree) {
  model::ChunkTask task = task_of("trace", "trace");
  task.type = ElementType::I8;
  const std::vector<std::int8_t> values(5 * source::kLeafElements - 7);
  const UniqueFd data = memory_file_of(values);
  task.piece = pieces_of(FileFormat::Raw, 0, values.size());
  std::vector<std::string> leaves;
  for (std::uint64_t leaf = 0; leaf < 5; ++leaf) {
    std::string& text = leaves.emplace_back();
    for (std::uint64_t block = 0; block < 8; ++block) {
      const std::uint64_t row = leaf * source::kLeafElements + block * 8192;
      text += "[0:" + std::to_string(row) + "+" +
              std::to_string(std::min<std::uint64_t>(8192, values.size() - row)) +
              "=0]";
    }
  }
  EXPECT_EQ(text_of(task, {data.get()}), "(((" + leaves[0] + " " + leaves[1] + ") (" +
                                             leaves[2] + " " + leaves[3] + ")) " +
                                             leaves[4] + ")");
}

// The bits of a job: of chunks of two leaves, merged, and of one chunk.
TEST_F(Pass, GivesTheSameForAnyChunkSize) {
  std::vector<double> values(7 * source::kLeafElements + 100);
  for (std::size_t i = 0; i < values.size(); ++i) values[i] = std::sin(double(i)) * 1e6;
  const UniqueFd data = memory_file_of(values);
  model::ChunkTask whole = task_of("trace", "trace");
  whole.piece = pieces_of(FileFormat::Raw, 0, values.size());
  const std::string expected = text_of(whole, {data.get()});
  for (const std::uint64_t leaves : {1UL, 2UL, 4UL}) {
    std::vector<std::byte> states;
    std::uint32_t chunks = 0;
    for (std::uint64_t at = 0; at < values.size(); ++chunks) {
      const std::uint64_t end =
          std::min<std::uint64_t>(values.size(), at + leaves * source::kLeafElements);
      model::ChunkTask chunk = task_of("trace", "trace");
      chunk.finish_kernels = false;
      chunk.piece = pieces_of(FileFormat::Raw, at, end);
      const model::Partial partial = partial_of(chunk, {data.get()});
      EXPECT_TRUE(partial.outputs.empty());
      const auto& state = partial.kernels[0].state;
      for (unsigned shift = 0; shift < 64; shift += 8)
        states.push_back(static_cast<std::byte>(state.size() >> shift));
      states.insert(states.end(), state.begin(), state.end());
      at = end;
    }
    const UniqueFd file = memory_file(states);
    model::ChunkTask merge = task_of("trace", "trace");
    merge.piece =
        model::MergePiece{1, states.size(), std::vector<std::uint8_t>(chunks)};
    EXPECT_EQ(text_of(merge, {file.get()}), expected) << leaves;
    merge.piece =
        model::MergePiece{1, states.size() - 1, std::vector<std::uint8_t>(chunks)};
    EXPECT_EQ(error_of(merge, {file.get()}).errc(), Errc::Internal);
  }
}

TEST_F(Pass, GivesAnEmptyStateWhereThereIsNothing) {
  model::ChunkTask task = task_of("csum", "csum");
  task.piece = pieces_of(FileFormat::Raw, 0, 0);
  const UniqueFd data = memory_file(std::string());
  EXPECT_EQ(std::get<double>(partial_of(task, {data.get()}).outputs[0][0].value), 0.0);
  task.piece = model::MergePiece{1, 0, {}};
  EXPECT_EQ(std::get<double>(partial_of(task, {data.get()}).outputs[0][0].value), 0.0);
}

TEST_F(Pass, LeavesNansOutAndSaysWhichRowsAreThere) {
  std::vector<double> values(20'000, 1);
  values[3] = values[9000] = values[19'999] = kNan;
  const UniqueFd data = memory_file_of(values);
  model::ChunkTask task = task_of("trace", "trace");
  task.nan = model::NanPolicy::Skip;
  task.piece = pieces_of(FileFormat::Raw, 0, values.size());
  EXPECT_EQ(text_of(task, {data.get()}),
            "[0:0+8191/8191=8191][0:8192+8191/16383=8191][0:16384+3615=3615]");
  EXPECT_EQ(partial_of(task, {data.get()}).kernels[0].counts.filtered, 3U);
}

TEST_F(Pass, AlignsColumnsByRow) {
  const std::string csv = "x,y\n1,10\n,20\n3,\n4,40\nnan,50\n6,60\n";
  const UniqueFd data = memory_file(csv);
  model::ChunkTask task = task_of("trace", "trace2", 2);
  task.missing = model::MissingPolicy::Skip;
  task.nan = model::NanPolicy::Skip;
  model::FilePieces pieces = pieces_of(FileFormat::Csv, 0, csv.size());
  pieces.csv.header = true;
  pieces.pieces[0].columns = {0, 1};
  pieces.pieces[0].fields = 2;
  task.piece = pieces;
  EXPECT_EQ(text_of(task, {data.get()}), "[0:0+3/5=11=110]");
  const model::Partial partial = partial_of(task, {data.get()});
  EXPECT_EQ(partial.kernels[0].counts.seen, 6U);
  EXPECT_EQ(partial.kernels[0].counts.missing, 2U);
  EXPECT_EQ(partial.kernels[0].counts.filtered, 1U);
}

TEST_F(Pass, ReadsCellsOfTextAsTheyWereMeant) {
  const std::string csv = "name\nplain\n\"a \"\"b\"\"\"\n\"\"\nNA\n";
  const UniqueFd data = memory_file(csv);
  model::ChunkTask task = task_of("trace", "trace_text");
  task.columns[0].text = true;
  model::FilePieces pieces = pieces_of(FileFormat::Csv, 0, csv.size());
  pieces.csv.header = true;
  pieces.pieces[0].columns = {0};
  pieces.pieces[0].fields = 1;
  task.piece = pieces;
  EXPECT_EQ(text_of(task, {data.get()}), "[0:0+4=plain|a \"b\"||NA]");
}

TEST_F(Pass, ReadsLinesOfTextEmptyOnesToo) {
  const std::string text = "\xEF\xBB\xBFone\r\n\ntwo three\nlast";
  const UniqueFd data = memory_file(text);
  model::ChunkTask task = task_of("trace", "trace_text");
  task.columns[0].text = true;
  task.piece = pieces_of(FileFormat::Text, 0, text.size());
  EXPECT_EQ(text_of(task, {data.get()}), "[0:0+4=one||two three|last]");
}

TEST_F(Pass, CutsLeavesOfTextAtMebibytesAndGivesEachAState) {
  // Lines of 1000 bytes, and one that reaches over two borders.
  std::string text;
  for (int i = 0; i < 2; ++i) text += std::string(999, 'a') + "\n";
  text += std::string(2 * source::kLeafBytes, 'b') + "\nc\n";
  const UniqueFd data = memory_file(text);
  model::ChunkTask task = task_of("trace", "trace_text");
  task.columns[0].text = true;
  task.piece = pieces_of(FileFormat::Text, 0, text.size());
  const std::string trace = text_of(task, {data.get()});
  // Leaf 0 has the long line too; leaf 1 has nothing; leaf 2 has "c".
  EXPECT_EQ(trace, "(([0:0+3=999 bytes|999 bytes|2097152 bytes] ) [0:3+1=c])");
}

TEST_F(Pass, CutsLeavesOfCsvWhereARecordBeginsInTheNext) {
  std::string csv;
  std::uint64_t border_row = 0;
  for (std::uint64_t row = 0; csv.size() < 3 * source::kLeafBytes / 2; ++row) {
    if (csv.size() < source::kLeafBytes) border_row = row + 1;
    csv += std::to_string(row % 10) + "," + std::string(row % 97, 'x') + "\n";
  }
  const UniqueFd data = memory_file(csv);
  model::ChunkTask task = task_of("trace", "trace");
  model::FilePieces pieces = pieces_of(FileFormat::Csv, 0, csv.size());
  pieces.csv.header = false;
  pieces.pieces[0].columns = {0};
  pieces.pieces[0].fields = 2;
  task.piece = pieces;
  const std::string trace = text_of(task, {data.get()});
  // The second leaf's first block begins at the border; the first leaf's ends there.
  EXPECT_NE(trace.find("] [0:" + std::to_string(border_row) + "+"), std::string::npos)
      << trace;
  const std::uint64_t whole = border_row / 8192 * 8192;
  EXPECT_NE(trace.find("[0:" + std::to_string(whole) + "+" +
                       std::to_string(border_row - whole) + "="),
            std::string::npos);
}

TEST_F(Pass, RunsBesideBuiltInReducersOverTheSameRows) {
  model::ChunkTask task = task_of("csum", "csum");
  task.columns[0].families = {model::Family::Sum};
  const std::vector<double> values(100'000, 0.5);
  const UniqueFd data = memory_file_of(values);
  task.piece = pieces_of(FileFormat::Raw, 0, values.size());
  const model::Partial partial = partial_of(task, {data.get()});
  EXPECT_EQ(partial.columns[0].counts.kept, 100'000U);
  EXPECT_EQ(partial.columns[0].states.size(), 1U);
  EXPECT_EQ(partial.kernels[0].counts.kept, 100'000U);
  EXPECT_EQ(std::get<double>(partial.outputs[0][0].value), 50'000.0);
}

TEST_F(Pass, RefusesElementsOfATypeTheKernelDoesNotTake) {
  model::ChunkTask task = task_of("trace", "trace_text");
  task.piece = values_of<double>({1});
  EXPECT_EQ(error_of(task).code(), "kernel_type");
}

TEST_F(Pass, IsRefusedWhereNoKernelsAreRun) {
  exec::ChunkRunner bare(page_);
  model::ChunkTask task = task_of("csum", "csum");
  task.piece = values_of<double>({1});
  const model::ChunkOutcome outcome = bare.run(task, {});
  EXPECT_EQ(std::get<Error>(outcome.result).code(), "no_kernels");
}

}  // namespace
}  // namespace tally::kernels

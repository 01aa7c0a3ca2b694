// The examples (client/examples/kernels), against what they should give.
#include <csignal>

#include <cmath>
#include <map>
#include <random>
#include <sstream>

#include "kernel_fixture.h"

namespace tally::kernels {
namespace {

using Examples = KernelTest;

double number(const model::KernelOutput& output) {
  return std::get<double>(output.value);
}
Int128 integer(const model::KernelOutput& output) {
  return std::get<Int128>(output.value);
}

TEST_F(Examples, GeomeanIsTheGeometricMean) {
  std::vector<double> values(200'000);
  std::mt19937_64 random(1);
  std::lognormal_distribution<double> positive(0, 2);
  long double log_sum = 0;
  for (double& value : values)
    log_sum += std::log((long double)(value = positive(random)));
  const UniqueFd data = memory_file_of(values);
  model::ChunkTask task = task_of("geomean", "geomean");
  task.piece = pieces_of(model::FileFormat::Raw, 0, values.size());
  const auto expected = static_cast<double>(std::exp(log_sum / 200'000));
  EXPECT_NEAR(number(partial_of(task, {data.get()}).outputs[0][0]), expected,
              1e-12 * expected);
}

TEST_F(Examples, GeomeanHasNoValueForNothingAndRefusesNegatives) {
  model::ChunkTask task = task_of("geomean", "geomean");
  task.piece = values_of<double>({});
  const model::Partial partial = partial_of(task);
  EXPECT_EQ(std::get<Error>(partial.outputs[0][0].value).message(),
            "geomean of no elements");
  task.piece = values_of<double>({1, -1});
  EXPECT_EQ(error_of(task).code(), "kernel_failed");
}

TEST_F(Examples, BboxIsTheBoxAroundThePointsThatAreWhole) {
  const std::string csv = "x,y\n1,5\n-2,7\n,100\n3,-4\n";
  const UniqueFd data = memory_file(csv);
  model::ChunkTask task = task_of("bbox", "bbox", 2);
  task.missing = model::MissingPolicy::Skip;
  model::FilePieces pieces = pieces_of(model::FileFormat::Csv, 0, csv.size());
  pieces.csv.header = true;
  pieces.pieces[0].columns = {0, 1};
  pieces.pieces[0].fields = 2;
  task.piece = pieces;
  const model::Partial partial = partial_of(task, {data.get()});
  const std::vector<model::KernelOutput>& box = partial.outputs[0];
  ASSERT_EQ(box.size(), 5U);
  EXPECT_EQ(box[0].label, "min_x");
  EXPECT_EQ(number(box[0]), -2);
  EXPECT_EQ(number(box[1]), -4);
  EXPECT_EQ(number(box[2]), 3);
  EXPECT_EQ(number(box[3]), 7);
  EXPECT_EQ(to_string(integer(box[4])), "3");
}

TEST_F(Examples, WordsCountsThemOverLeavesAndMerges) {
  std::string text;
  std::map<std::string, std::uint64_t> counts;
  std::mt19937_64 random(2);
  while (text.size() < (5U << 20U)) {
    const std::string word = "w" + std::to_string(random() % 1000 * (random() % 3));
    ++counts[word];
    text += word + (random() % 9 == 0 ? "\n" : " ");
  }
  std::uint64_t all = 0;
  std::pair<std::string, std::uint64_t> most;
  for (const auto& [word, count] : counts) {
    all += count;
    if (count > most.second) most = {word, count};
  }
  const UniqueFd data = memory_file(text);
  model::ChunkTask task = task_of("words", "words");
  task.columns[0].text = true;
  task.piece = pieces_of(model::FileFormat::Text, 0, text.size());
  const model::Partial partial = partial_of(task, {data.get()});
  const std::vector<model::KernelOutput>& found = partial.outputs[0];
  ASSERT_EQ(found.size(), 4U);
  EXPECT_EQ(to_string(integer(found[0])), std::to_string(all));
  EXPECT_EQ(to_string(integer(found[1])), std::to_string(counts.size()));
  EXPECT_EQ(std::get<std::string>(found[2].value), most.first);
  EXPECT_EQ(to_string(integer(found[3])), std::to_string(most.second));

  // Travelled, it is the same.
  model::ChunkTask merge = task_of("words", "words");
  std::vector<std::byte> states;
  const auto& state = partial.kernels[0].state;
  for (unsigned shift = 0; shift < 64; shift += 8)
    states.push_back(static_cast<std::byte>(state.size() >> shift));
  states.insert(states.end(), state.begin(), state.end());
  const UniqueFd file = memory_file(states);
  merge.piece = model::MergePiece{1, states.size(), {0}};
  EXPECT_EQ(to_string(integer(partial_of(merge, {file.get()}).outputs[0][0])),
            std::to_string(all));
}

TEST_F(Examples, FragileCrashesOnALineWithoutItsField) {
  model::ChunkTask task = task_of("fragile", "fragile");
  task.columns[0].text = true;
  const std::string good = "GET / bytes=10\nGET /a bytes=32 ok\n";
  const UniqueFd data = memory_file(good);
  task.piece = pieces_of(model::FileFormat::Text, 0, good.size());
  EXPECT_EQ(to_string(integer(partial_of(task, {data.get()}).outputs[0][0])), "42");
#ifndef TALLY_SANITIZED  // they catch the signal
  const std::string bad = good + "GET /b\n";
  const UniqueFd other = memory_file(bad);
  task.piece = pieces_of(model::FileFormat::Text, 0, bad.size());
  EXPECT_EXIT((void)run(task, {other.get()}), ::testing::KilledBySignal(SIGSEGV), "");
#endif
}

TEST_F(Examples, CsumKeepsWhatAPlainSumLoses) {
  std::vector<double> values(70'000, 1.0);
  values[0] = 1e16;
  values.back() = -1e16;
  model::ChunkTask task = task_of("csum", "csum");
  const UniqueFd data = memory_file_of(values);
  task.piece = pieces_of(model::FileFormat::Raw, 0, values.size());
  EXPECT_EQ(number(partial_of(task, {data.get()}).outputs[0][0]), 69'998.0);
}

}  // namespace
}  // namespace tally::kernels

// families_bench [--benchmark_filter=REGEX]...: the built-in families of reducers in
// this process, over elements that lie in memory, on Google Benchmark. A case is
//
//   sum/f64/normal/32KiB/avx512      family/type/data/size/instruction set
//
//   data   normal (mean 100, deviation 15, made what the type holds), wide (floats of
//          all exponents alike), signs (1 and -1)
//   size   32KiB is in the first cache, 512KiB in the second, 128MiB in none
//
// What each state is after one pass is held against that of the first instruction set,
// byte by byte: a case whose value is another ends the program.
#include <benchmark/benchmark.h>
#include <hwy/targets.h>
#include <sys/mman.h>

#include <algorithm>
#include <array>
#include <bit>
#include <cstring>
#include <limits>
#include <map>
#include <random>
#include <set>
#include <span>
#include <string>
#include <type_traits>
#include <vector>

#include "ipc/base/float_environment.h"
#include "ipc/model/chunk_task.h"
#include "ipc/model/element_type.h"
#include "runtime/reduce/moments_update.h"
#include "runtime/reduce/quantile.h"
#include "runtime/reduce/quantile_search.h"
#include "runtime/reduce/simd_level.h"
#include "runtime/reduce/state.h"
#include "tests/bench/steps.h"

namespace tally::bench {
namespace {

using model::ElementType;
using model::Family;
using reduce::Block;
using reduce::States;

enum class Data { Normal, Wide, Signs };
enum class Takes { All, Integers };

struct Case {
  std::string name;
  model::ColumnTask column;
  std::vector<Data> data;
  Takes takes = Takes::All;
  bool seeks_median = false;  // in a window that depends on the type
};

model::HistogramBins irregular_bins() {
  std::mt19937_64 random(7);
  std::uniform_real_distribution<double> place(0, 200);
  std::set<double> edges;
  while (edges.size() < 1000) edges.insert(place(random));
  return {999, *edges.begin(), *edges.rbegin(), {edges.begin(), edges.end()}};
}

// A family is a line.
std::vector<Case> all_cases() {
  return {
      {"sum", {{Family::Sum}}, {Data::Normal, Data::Wide}},
      {"squares", {{Family::Squares}}, {Data::Normal, Data::Wide}},
      {"moments",
       {{Family::Sum, Family::Extremes, Family::Squares}},
       {Data::Normal, Data::Wide}},
      {"extremes", {{Family::Extremes}}, {Data::Normal}},
      {"bits", {{Family::Bits}}, {Data::Normal}},
      // Once a product is too large, only zeros are looked for.
      {"product", {{Family::Product}}, {Data::Normal, Data::Signs}, Takes::Integers},
      {"histogram", {{}, false, {{1000, 0, 200, {}}}}, {Data::Normal}},
      {"edges", {{}, false, {irregular_bins()}}, {Data::Normal}},
      // Of the first half of the elements and the second.
      {"dot", {{Family::Dot}, false, {}, {}, {{}}}, {Data::Normal, Data::Wide}},
      {"ranks", {}, {Data::Normal, Data::Wide}, Takes::All, true},
  };
}

constexpr std::array<std::pair<const char*, std::size_t>, 3> kSizes{{
    {"32KiB", std::size_t{32} << 10},
    {"512KiB", std::size_t{512} << 10},
    {"128MiB", std::size_t{128} << 20},
}};
constexpr std::size_t kMostBytes = kSizes.back().second;

const char* name_of(Data data) {
  if (data == Data::Normal) return "normal";
  return data == Data::Wide ? "wide" : "signs";
}

bool has(Data data, ElementType type) {
  if (data == Data::Wide) return model::is_float(type);
  return data == Data::Normal || model::is_signed_integer(type);
}

template <typename T>
T draw(Data data, std::mt19937_64& random) {
  if (data == Data::Signs) return static_cast<T>(random() % 2 == 0 ? 1 : -1);
  if constexpr (std::is_floating_point_v<T>) {
    using Bits = std::conditional_t<sizeof(T) == 4, std::uint32_t, std::uint64_t>;
    while (data == Data::Wide) {
      const auto value = std::bit_cast<T>(static_cast<Bits>(random()));
      if (value - value == 0) return value;
    }
  }
  std::normal_distribution<double> normal(100, 15);
  using Limits = std::numeric_limits<T>;
  return static_cast<T>(std::clamp(normal(random),
                                   static_cast<double>(Limits::lowest()),
                                   static_cast<double>(Limits::max())));
}

// In pages, as shared arrays are: elements that lie across lines of the cache are
// slower.
std::byte* map_bytes(std::size_t size) {
  void* const memory =
      ::mmap(nullptr, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  if (memory == MAP_FAILED) die("no memory");
  return static_cast<std::byte*>(memory);
}

// The elements of the case at hand; those of one type and kind are made once. The first
// ones are drawn and the others repeat them: no branch predictor learns so many.
const void* elements_of(ElementType type, Data data) {
  constexpr std::size_t kDrawnBytes = std::size_t{8} << 20;
  static std::byte* const bytes = map_bytes(kMostBytes);
  static bool any = false;
  static ElementType made_of{};
  static Data made_as{};
  if (any && made_of == type && made_as == data) return bytes;
  std::mt19937_64 random(42);
  model::with_type(type, [&](auto zero) {
    for (std::size_t at = 0; at < kDrawnBytes; at += sizeof zero) {
      const auto value = draw<decltype(zero)>(data, random);
      std::memcpy(bytes + at, &value, sizeof value);
    }
  });
  for (std::size_t at = kDrawnBytes; at < kMostBytes; at += kDrawnBytes)
    std::memcpy(bytes + at, bytes, kDrawnBytes);
  made_of = type;
  made_as = data;
  any = true;
  return bytes;
}

// In the steps of ChunkRunner: a leaf's block; of several states each its part of it
// while that is in the first cache.
void pass(const States& states, const void* data, std::size_t count, ElementType type,
          bool in_pairs) {
  constexpr std::size_t kLeaf = 65'536;
  const std::size_t near = 32 * 1024 / model::size_of(type);
  const std::size_t most = states.size() < 2 ? kLeaf : near;
  Block all;
  all.data = data;
  all.count = count;
  if (in_pairs) {
    count = all.count = count / 2;
    all.paired = static_cast<const std::byte*>(data) + count * model::size_of(type);
  }
  for (std::size_t from = 0; from < count; from += kLeaf) {
    const Block leaf = reduce::part_of(all, from, std::min(kLeaf, count - from), type);
    std::size_t seen = reduce::update_moments(states, leaf);
    while (seen < leaf.count) {
      const Block part =
          reduce::part_of(leaf, seen, std::min(most, leaf.count - seen), type);
      for (const auto& state : states)
        if (state->update(part) != part.count) die("not all elements were seen");
      seen += part.count;
    }
  }
}

// In what follows, of the whole process.
void use_level(const std::string& level) {
  if (const auto limited = reduce::limit_simd(level); !limited)
    die(limited.error().message());
}

std::int64_t best_target() {
  const std::int64_t targets = hwy::SupportedTargets() & HWY_TARGETS;
  return targets & -targets;
}

// Those that are not the same as the next one to this processor; it is told which are.
std::vector<std::string> levels_here() {
  const std::vector<std::string> all{"avx512", "avx2", "sse4", "scalar"};
  std::vector<std::string> here;
  std::string lacking;
  for (std::size_t i = 0; i < all.size(); ++i) {
    use_level(all[i]);
    const std::int64_t target = best_target();
    use_level(all[std::min(i + 1, all.size() - 1)]);
    if (i + 1 == all.size() || best_target() != target)
      here.push_back(all[i]);
    else
      lacking += (lacking.empty() ? "" : ", ") + all[i];
  }
  benchmark::AddCustomContext("skipped, as this processor lacks them",
                              lacking.empty() ? "none" : lacking);
  return here;
}

// Without a sample, which a job takes first.
model::ColumnTask column_of(const Case& one, ElementType type) {
  model::ColumnTask column = one.column;
  const reduce::Quantile median{reduce::kQuantileScale / 2};
  if (one.seeks_median)
    column.windows = reduce::first_windows(type, std::span(&median, 1), {}, kMostBytes,
                                           model::kMostKeptKeys);
  return column;
}

// `name` is without the instruction set.
void expect_same_value(const std::string& name, const States& states) {
  static std::map<std::string, std::vector<std::byte>> known;
  std::vector<std::byte> bytes;
  for (const auto& state : states) state->serialise(bytes);
  if (known.try_emplace(name, bytes).first->second != bytes)
    die(name + ": another value than by the first instruction set");
}

void run(benchmark::State& state, const std::string& name, const Case& one,
         ElementType type, Data data, std::size_t bytes, const std::string& level) {
  use_level(level);
  const void* const elements = elements_of(type, data);
  const std::size_t count = bytes / model::size_of(type);
  const FloatEnvironment exact;
  const States states = reduce::make_states(column_of(one, type), type);
  const bool in_pairs = one.column.pair.has_value();
  pass(states, elements, count, type, in_pairs);
  expect_same_value(name, states);
  for (const auto& each : states) each->clear();
  for (auto _ : state) {
    pass(states, elements, count, type, in_pairs);
    if (one.seeks_median) states.front()->clear();  // or it would stay narrow
  }
  const auto passes = static_cast<std::int64_t>(state.iterations());
  state.SetBytesProcessed(passes * static_cast<std::int64_t>(bytes));
  state.SetItemsProcessed(passes * static_cast<std::int64_t>(count));
}

void register_all(const std::vector<Case>& cases) {
  const std::vector<std::string> levels = levels_here();
  for (std::uint8_t number = model::kLastElementType; number > 0; --number) {
    const auto type = static_cast<ElementType>(number);
    for (const Data data : {Data::Normal, Data::Wide, Data::Signs}) {
      for (const Case& one : cases) {
        const bool taken = one.takes == Takes::All || !model::is_float(type);
        if (!taken || !has(data, type) || std::ranges::count(one.data, data) == 0)
          continue;
        for (const auto& [size, bytes] : kSizes) {
          const std::string name = one.name + '/' + std::string(model::name_of(type)) +
                                   '/' + name_of(data) + '/' + size;
          for (const std::string& level : levels)
            benchmark::RegisterBenchmark((name + '/' + level).c_str(), run, name, one,
                                         type, data, bytes, level);
        }
      }
    }
  }
}

}  // namespace
}  // namespace tally::bench

int main(int argc, char** argv) {
  // So short that all of it takes minutes; what is given comes later and goes first.
  std::string least_time = "--benchmark_min_time=0.05";
  std::vector<char*> words(argv, argv + argc);
  words.insert(words.begin() + 1, least_time.data());
  int count = static_cast<int>(words.size());
  benchmark::Initialize(&count, words.data());
  if (benchmark::ReportUnrecognizedArguments(count, words.data())) return 2;
  tally::bench::register_all(tally::bench::all_cases());
  benchmark::RunSpecifiedBenchmarks();
  benchmark::Shutdown();
}

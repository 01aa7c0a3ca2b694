// Kernels that each break one law of `tally kernel check`; their names say which.
#include <array>
#include <chrono>
#include <cmath>
#include <cstdio>
#include <cstring>
#include <span>

#include <tally/tally_kernel.hpp>

namespace {

// An honest one to begin with: an exact sum of small integers, and how many.
struct Honest {
  std::int64_t sum = 0;
  std::int64_t count = 0;
  void update(std::span<const std::int32_t> values) {
    for (const std::int32_t value : values) sum += value;
    count += static_cast<std::int64_t>(values.size());
  }
  void merge(const Honest& other) {
    sum += other.sum;
    count += other.count;
  }
  tally::kernel::Output finish() const { return sum; }
};

struct Throws : Honest {
  static constexpr auto name = "runs_throws";
  void update(std::span<const std::int32_t> values) {
    if (count > 0) throw std::runtime_error("twice");
    Honest::update(values);
  }
};

struct Loops : Honest {
  static constexpr auto name = "runs_loops";
  tally::kernel::Output finish() const {
    for (volatile int i = 0;;) i = 1 - i;
  }
};

// Its name is for the table, made below: it lies about its size.
struct Overruns : Honest {
  static constexpr auto name = "state_overruns";
};

struct Scribbles : Honest {
  static constexpr auto name = "input_scribbles";
  void update(std::span<const std::int32_t> values) {
    Honest::update(values);
    const_cast<std::int32_t&>(values[0]) = 0;
  }
};

struct NeedsRows : Honest {
  static constexpr auto name = "empty_throws";
  tally::kernel::Output finish() const {
    if (count == 0) tally::kernel::fail("no rows");
    return sum / count;
  }
};

// The minimum of an empty state is 0, and stays.
struct ZeroIsLow {
  static constexpr auto name = "identity_zero_minimum";
  std::int32_t low = 0;
  bool any = false;
  void update(std::span<const std::uint16_t> values) {
    for (const std::uint16_t value : values) {
      low = any ? std::min<std::int32_t>(low, value) : value;
      any = true;
    }
  }
  void merge(const ZeroIsLow& other) {
    low = std::min(low, other.low);
    any = any || other.any;
  }
  tally::kernel::Output finish() const { return low; }
};

struct ForgetsToMerge : Honest {
  static constexpr auto name = "split_forgets_to_merge";
  void merge(const ForgetsToMerge& other) {
    if (count == 0) *this = other;
  }
};

// Counts calls instead of rows.
struct CountsBlocks : Honest {
  static constexpr auto name = "split_counts_blocks";
  static constexpr bool exact = true;
  void update(std::span<const std::int32_t>) { ++count; }
  tally::kernel::Output finish() const { return count; }
};

// Is right whatever the cut, but not whatever the order.
struct KeepsTheLast {
  static constexpr auto name = "permutation_keeps_the_last";
  static constexpr bool exact = true;
  std::int32_t last = 0;
  std::int32_t any = 0;
  void update(std::span<const std::int32_t> values) {
    last = values.back();
    any = 1;
  }
  void merge(const KeepsTheLast& other) {
    if (other.any != 0) *this = other;
  }
  tally::kernel::Output finish() const { return last; }
};

struct SumsDoubles {
  static constexpr auto name = "permutation_sums_doubles";
  static constexpr bool exact = true;
  double sum = 0;
  void update(std::span<const double> values) {
    for (const double value : values) sum += value;
  }
  void merge(const SumsDoubles& other) { sum += other.sum; }
  tally::kernel::Output finish() const { return sum; }
};

struct EmptiesTheSource : Honest {
  static constexpr auto name = "source_is_emptied";
  void merge(const EmptiesTheSource& other) {
    Honest::merge(other);
    const_cast<EmptiesTheSource&>(other).sum = 0;
  }
};

struct LosesBits : Honest {
  static constexpr auto name = "round_trip_loses_bits";
  void save(tally::kernel::Writer& to) const { to.write(static_cast<float>(sum) / 3); }
  void load(tally::kernel::Reader& from) {
    sum = static_cast<std::int64_t>(from.read<float>() * 3);
  }
};

struct TrustsBytes : Honest {
  static constexpr auto name = "garbage_is_trusted";
  void save(tally::kernel::Writer& to) const {
    to.write(std::int64_t{16});
    to.bytes(&sum, 16);
  }
  // Copies as many bytes as the bytes say.
  void load(tally::kernel::Reader& from) {
    const auto size = from.read<std::int64_t>();
    const char* data = from.bytes(from.at_end() ? 0 : 16).data();
    std::array<char, 16> copy{};
    char* into = copy.data();
    for (std::int64_t i = 0; i != size; ++i)
      *static_cast<volatile char*>(into + i) = data[i % 16];
    std::memcpy(&sum, copy.data(), 16);
  }
};

struct FinishesTwice : Honest {
  static constexpr auto name = "finish_changes_it";
  tally::kernel::Output finish() const {
    return const_cast<FinishesTwice*>(this)->sum /= 2;
  }
};

struct ReadsTheClock : Honest {
  static constexpr auto name = "deterministic_reads_the_clock";
  void update(std::span<const std::int32_t> values) {
    Honest::update(values);
    sum += std::chrono::steady_clock::now().time_since_epoch().count() & 1023;
  }
  tally::kernel::Output finish() const { return count; }
};

std::int64_t seen_by_all = 0;  // what must not be: memory between states

struct Remembers : Honest {
  static constexpr auto name = "deterministic_remembers";
  void update(std::span<const std::int32_t> values) {
    Honest::update(values);
    sum += ++seen_by_all;
  }
  tally::kernel::Output finish() const { return count; }
};

struct Chats : Honest {
  static constexpr auto name = "silent_chats";
  void update(std::span<const std::int32_t> values) {
    Honest::update(values);
    for (const std::int32_t value : values) std::printf("%d\n", value);
  }
};

struct HonestOne : Honest {
  static constexpr auto name = "honest";
  static constexpr bool exact = true;
};

int update_overruns(tally_kernel_run*, void* state, const tally_kernel_block* block) {
  static_cast<Overruns*>(state)->update(
      {static_cast<const std::int32_t*>(block->values[0]), block->count});
  return 0;
}

tally_kernel overruns() {
  tally_kernel table = tally::kernel::detail::Adapter<Overruns>::table();
  table.state_size = 8;  // of 16
  table.init = nullptr;
  table.update = update_overruns;
  return table;
}

}  // namespace

const tally_kernel* const* tally_kernels(void) {
  static const tally_kernel* all[32] = {};
  static const tally_kernel lying = overruns();
  const tally_kernel* const* honest =
      tally::kernel::detail::list<HonestOne, Throws, Loops, Scribbles, NeedsRows,
                                  ZeroIsLow, ForgetsToMerge, CountsBlocks, KeepsTheLast,
                                  SumsDoubles, EmptiesTheSource, LosesBits, TrustsBytes,
                                  FinishesTwice, ReadsTheClock, Remembers, Chats>();
  std::size_t count = 0;
  for (; honest[count] != nullptr; ++count) all[count] = honest[count];
  all[count] = &lying;
  return all;
}

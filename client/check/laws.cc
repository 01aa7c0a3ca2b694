#include "client/check/laws.h"

#include <array>
#include <chrono>
#include <cstdio>

namespace tally::check {
namespace {

// Everything once, as a job does it.
Result<Verdict> law_runs(Subject& subject, const RowSet& rows) {
  Result<KernelState> left = subject.fold(rows, 0, rows.rows / 2);
  Result<KernelState> right = subject.fold(rows, rows.rows / 2, rows.rows);
  if (!left) return std::move(left).error();
  if (!right) return std::move(right).error();
  if (auto done = subject.kernel().merge(*left, *right); !done)
    return std::move(done).error();
  Result<KernelState> travelled = subject.copy(*left);
  if (!travelled) return std::move(travelled).error();
  const Result<std::string> results = subject.results(*travelled);
  if (!results) return results.error();
  for (KernelState* state : {&*left, &*right, &*travelled})
    if (auto done = subject.kernel().destroy(std::move(*state)); !done)
      return std::move(done).error();
  return Verdict::kept(*results);
}

Result<Verdict> law_input(Subject& subject, const RowSet& rows) {
  bool changed = false;
  subject.watch = [&](const TriedBlock& block) { changed |= block.changed(); };
  const Result<KernelState> state = subject.fold(rows, 0, rows.rows);
  subject.watch = {};
  if (!state) return state.error();
  if (changed)
    return Verdict::broken("update wrote into its rows; in a worker that is a SIGSEGV");
  return Verdict::kept();
}

Result<Verdict> law_empty(Subject& subject, const RowSet&) {
  Result<KernelState> a = subject.empty();
  Result<KernelState> b = subject.empty();
  if (!a) return std::move(a).error();
  if (!b) return std::move(b).error();
  if (auto done = subject.kernel().merge(*a, *b); !done) return std::move(done).error();
  const Result<KernelState> read = subject.copy(*a);
  if (!read) return read.error();
  const Result<std::string> results = subject.results(*read);
  if (!results) return results.error();
  return Verdict::kept(*results);
}

Result<Verdict> law_finish(Subject& subject, const RowSet& rows) {
  const Result<KernelState> state = subject.fold(rows, 0, rows.rows);
  if (!state) return state.error();
  const Result<State> before = subject.bytes(*state);
  const Result<std::string> first = subject.results(*state);
  const Result<std::string> second = subject.results(*state);
  const Result<State> after = subject.bytes(*state);
  if (!before) return before.error();
  if (!first) return first.error();
  if (!second) return second.error();
  if (!after) return after.error();
  if (*first != *second)
    return Verdict::broken("a second time it gives " + *second + " after " + *first);
  if (*before != *after) return Verdict::broken("it changed the state");
  return Verdict::kept();
}

Result<Verdict> law_deterministic(Subject& subject, const RowSet& rows) {
  const Result<KernelState> a = subject.fold(rows, 0, rows.rows);
  const Result<KernelState> b = subject.fold(rows, 0, rows.rows);
  if (!a) return a.error();
  if (!b) return b.error();
  const Result<State> first = subject.bytes(*a);
  const Result<State> second = subject.bytes(*b);
  if (!first) return first.error();
  if (!second) return second.error();
  if (*first != *second)
    return Verdict::broken(
        "the same rows again gave a state of other bytes: clocks, random numbers, "
        "addresses, padding, or memory kept between states?");
  std::uint64_t digest = 0xCBF29CE484222325U;
  for (const std::byte byte : *first)
    digest = (digest ^ std::to_integer<std::uint64_t>(byte)) * 0x100000001B3U;
  return Verdict::kept(std::to_string(digest));
}

Result<Verdict> law_time(Subject& subject, const RowSet& rows) {
  using Clock = std::chrono::steady_clock;
  Result<KernelState> state = subject.empty();
  if (!state) return std::move(state).error();
  const std::size_t count = std::min<std::size_t>(rows.rows, kBlockRows);
  const TriedBlock block(rows, 0, count);
  if (auto done = subject.kernel().update(*state, block.block()); !done)
    return std::move(done).error();
  std::uint64_t elements = 0;
  const auto start = Clock::now();
  double seconds = 0;
  while (seconds < 0.05) {
    for (int i = 0; i < 8; ++i) {
      if (auto done = subject.kernel().update(*state, block.block()); !done)
        return std::move(done).error();
      elements += count;
    }
    seconds = std::chrono::duration<double>(Clock::now() - start).count();
  }
  char text[80];
  const double ns = seconds * 1e9 / static_cast<double>(elements);
  if (rows.type == TALLY_KERNEL_TYPE_TEXT)
    std::snprintf(text, sizeof text, "%.3g ns a row", ns);
  else
    std::snprintf(
        text, sizeof text, "%.3g ns an element (%.3g GB/s)", ns,
        static_cast<double>(rows.element_bytes * subject.info().columns) / ns);
  return Verdict::kept(text);
}

constexpr std::array kLaws{
    Law{"runs", "update, merge, serialize, finish end well", law_runs},
    Law{"state", "nothing is written outside of state_size bytes", law_runs},
    Law{"input", "update leaves its rows alone", law_input},
    Law{"empty", "no rows are a state as well", law_empty},
    Law{"identity", "merging with an empty state changes nothing", law_identity},
    Law{"split", "rows may be cut anywhere", law_split},
    Law{"permutation", "rows may come in any order", law_permutation, true},
    Law{"association", "states may be merged in any order", law_association, true},
    Law{"source", "merge leaves what it takes in alone", law_source},
    Law{"round trip", "a state that travelled is the same", law_round_trip},
    Law{"garbage", "bytes that are no state do no harm", law_garbage, false, true},
    Law{"finish", "finish changes nothing", law_finish},
    Law{"deterministic", "the same rows give the same bytes", law_deterministic},
    Law{"silent", "nothing is printed row by row", law_runs},
    Law{"time", "", law_time},
};

}  // namespace

std::span<const Law> all_laws() {
  return kLaws;
}

}  // namespace tally::check

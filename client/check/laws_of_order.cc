#include <random>

#include "client/check/laws.h"

namespace tally::check {
namespace {

constexpr double kClose = 1e-9;  // rounding, and no more
constexpr double kNear = 1e-3;   // an estimate may be that far off

// Whether two states say the same: to the bit for exact kernels, else about the same.
Result<Verdict> same(Subject& subject, const KernelState& a, const KernelState& b,
                     const std::string& what, double allowed) {
  const Result<State> bytes_a = subject.bytes(a);
  const Result<State> bytes_b = subject.bytes(b);
  if (!bytes_a) return bytes_a.error();
  if (!bytes_b) return bytes_b.error();
  if (*bytes_a == *bytes_b) return Verdict::kept();
  const auto results_a = subject.outputs(a);
  const auto results_b = subject.outputs(b);
  if (!results_a) return results_a.error();
  if (!results_b) return results_b.error();
  const double apart = distance(*results_a, *results_b);
  if (!subject.info().exact && apart <= allowed)
    return Verdict::kept(apart == 0 ? "" : "the last bits differ; the tree fixes them");
  const std::string sides = text_of(*results_a) == text_of(*results_b)
                                ? "the states have other bytes"
                                : text_of(*results_a) + " and " + text_of(*results_b);
  return Verdict::broken(what + ": " + sides);
}

Result<KernelState> merged(Subject& subject, const KernelState& left,
                           const KernelState& right) {
  Result<KernelState> into = subject.copy(left);
  if (!into) return into;
  if (auto done = subject.kernel().merge(*into, right); !done)
    return std::move(done).error();
  return into;
}

// Rows cut at places that have nothing to do with blocks.
std::vector<std::size_t> odd_cuts(std::size_t rows) {
  std::mt19937_64 random(11);
  std::vector<std::size_t> cuts{0};
  while (cuts.back() < rows)
    cuts.push_back(std::min<std::size_t>(rows, cuts.back() + 1 + random() % 700));
  return cuts;
}

}  // namespace

Result<Verdict> law_identity(Subject& subject, const RowSet& rows) {
  const Result<KernelState> full = subject.fold(rows, 0, rows.rows);
  const Result<KernelState> none = subject.empty();
  if (!full) return full.error();
  if (!none) return none.error();
  const Result<KernelState> right = merged(subject, *full, *none);
  if (!right) return right.error();
  Result<Verdict> verdict =
      same(subject, *full, *right, "merging an empty state in changed it", kClose);
  if (!verdict || !verdict->held) return verdict;
  const Result<KernelState> left = merged(subject, *none, *full);
  if (!left) return left.error();
  return same(subject, *full, *left, "merged into an empty state it is another",
              kClose);
}

Result<Verdict> law_split(Subject& subject, const RowSet& rows) {
  const Result<KernelState> whole = subject.fold(rows, 0, rows.rows);
  if (!whole) return whole.error();
  // One state, other blocks.
  Result<KernelState> blocks = subject.empty();
  if (!blocks) return blocks.error();
  const std::vector<std::size_t> cuts = odd_cuts(rows.rows);
  for (std::size_t i = 1; i < cuts.size(); ++i)
    if (auto done = subject.update(*blocks, rows, cuts[i - 1], cuts[i]); !done)
      return std::move(done).error();
  Result<Verdict> verdict =
      same(subject, *whole, *blocks, "in smaller blocks the result is another", kNear);
  if (!verdict || !verdict->held) return verdict;
  // Two states, merged.
  const std::size_t half = rows.rows / 3;
  const Result<KernelState> a = subject.fold(rows, 0, half);
  const Result<KernelState> b = subject.fold(rows, half, rows.rows);
  if (!a) return a.error();
  if (!b) return b.error();
  const Result<KernelState> both = merged(subject, *a, *b);
  if (!both) return both.error();
  Result<Verdict> again = same(subject, *whole, *both,
                               "two parts, merged, are not what the whole is", kNear);
  if (again && again->held && again->detail.empty()) return verdict;
  return again;
}

// Small blocks in another order, in several states that are merged in another order.
Result<Verdict> law_permutation(Subject& subject, const RowSet& rows) {
  const Result<KernelState> whole = subject.fold(rows, 0, rows.rows);
  if (!whole) return whole.error();
  const std::vector<std::size_t> cuts = odd_cuts(rows.rows);
  std::vector<std::size_t> order;
  for (std::size_t i = 1; i < cuts.size(); ++i) order.push_back(i);
  std::mt19937_64 random(5);
  for (std::size_t i = order.size(); i > 1; --i)
    std::swap(order[i - 1], order[random() % i]);
  constexpr std::size_t kStates = 4;
  std::vector<KernelState> states;
  for (std::size_t i = 0; i < kStates; ++i) {
    Result<KernelState> state = subject.empty();
    if (!state) return std::move(state).error();
    states.push_back(*std::move(state));
  }
  for (std::size_t i = 0; i < order.size(); ++i) {
    auto done =
        subject.update(states[i % kStates], rows, cuts[order[i] - 1], cuts[order[i]]);
    if (!done) return std::move(done).error();
  }
  for (std::size_t i = kStates - 1; i > 0; --i)
    if (auto done = subject.kernel().merge(states[i - 1], states[i]); !done)
      return std::move(done).error();
  return same(subject, *whole, states[0],
              "it claims to be exact, but rows in another order give another result",
              0);
}

Result<Verdict> law_association(Subject& subject, const RowSet& rows) {
  const std::size_t third = rows.rows / 3;
  const Result<KernelState> a = subject.fold(rows, 0, third);
  const Result<KernelState> b = subject.fold(rows, third, 2 * third);
  const Result<KernelState> c = subject.fold(rows, 2 * third, rows.rows);
  if (!a) return a.error();
  if (!b) return b.error();
  if (!c) return c.error();
  const Result<KernelState> ab = merged(subject, *a, *b);
  const Result<KernelState> bc = merged(subject, *b, *c);
  const Result<KernelState> ba = merged(subject, *b, *a);
  if (!ab) return ab.error();
  if (!bc) return bc.error();
  if (!ba) return ba.error();
  Result<Verdict> verdict =
      same(subject, *ab, *ba, "a merged with b is not b merged with a", 0);
  if (!verdict || !verdict->held) return verdict;
  const Result<KernelState> left = merged(subject, *ab, *c);
  const Result<KernelState> right = merged(subject, *a, *bc);
  if (!left) return left.error();
  if (!right) return right.error();
  return same(subject, *left, *right, "(a b) c is not a (b c)", 0);
}

Result<Verdict> law_source(Subject& subject, const RowSet& rows) {
  Result<KernelState> into = subject.fold(rows, 0, rows.rows / 2);
  const Result<KernelState> from = subject.fold(rows, rows.rows / 2, rows.rows);
  if (!into) return into.error();
  if (!from) return from.error();
  const Result<State> before = subject.bytes(*from);
  if (!before) return before.error();
  if (auto done = subject.kernel().merge(*into, *from); !done)
    return std::move(done).error();
  const Result<State> after = subject.bytes(*from);
  if (!after) return after.error();
  if (*before != *after) return Verdict::broken("merge changed the state it took in");
  return Verdict::kept();
}

}  // namespace tally::check

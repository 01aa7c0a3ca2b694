#include "runtime/reduce/range_sum.h"

#include <algorithm>
#include <bit>

#include "runtime/reduce/range_sum_kernel.h"

namespace tally::reduce {
namespace {

// How many elements can be summed modulo 2^64 without losing anything: what they
// exceed the first one by must sum to less than 2^63, and for m elements that is
// |step| * m(m-1)/2.
std::uint64_t longest_run(std::int64_t step) {
  const std::uint64_t size = step < 0
                                 ? std::uint64_t{0} - static_cast<std::uint64_t>(step)
                                 : static_cast<std::uint64_t>(step);
  return std::uint64_t{1} << ((64 - std::bit_width(size)) / 2);
}

// Visits `count` elements; their sum modulo 2^64.
RangeLoopSum visit(std::uint64_t first, std::uint64_t step, std::uint64_t count) {
  RangeLoopSum run = range_sum_loop(first, step, count);
  std::uint64_t element = first + run.visited * step;
  for (; run.visited < count; ++run.visited) {
    run.sum += element;
    element += step;
    asm volatile("" : "+r"(element));  // clang would find the closed form
  }
  return run;
}

}  // namespace

RangeSum range_sum(const RangeBlock& block) {
  const auto step = static_cast<std::uint64_t>(block.step);
  const std::uint64_t longest = longest_run(block.step);
  auto first = static_cast<std::uint64_t>(block.first);
  RangeSum sum;
  while (sum.visited < block.count) {
    const std::uint64_t count = std::min(longest, block.count - sum.visited);
    const RangeLoopSum run = visit(first, step, count);
    const auto beyond_first = static_cast<std::int64_t>(run.sum - run.visited * first);
    sum.total +=
        Int128{static_cast<std::int64_t>(first)} * Int128{run.visited} + beyond_first;
    sum.visited += run.visited;
    first += run.visited * step;
  }
  return sum;
}

}  // namespace tally::reduce

// tbb_range_sum N: the step "sum" is the sum of 0..N by oneTBB's parallel_reduce on two
// threads. Built with g++ -O3 -march=native, which vectorises the inner loop and keeps
// it a loop (clang would replace it by a formula).
#include <tbb/blocked_range.h>
#include <tbb/global_control.h>
#include <tbb/parallel_reduce.h>

#include <cstdint>
#include <functional>
#include <string>

#include "tests/bench/steps.h"

namespace {

std::int64_t parallel_sum(std::int64_t n) {
  return tbb::parallel_reduce(
      tbb::blocked_range<std::int64_t>(0, n), std::int64_t{0},
      [](const tbb::blocked_range<std::int64_t>& range, std::int64_t sum) {
        for (std::int64_t i = range.begin(); i < range.end(); ++i) sum += i;
        return sum;
      },
      std::plus<>());
}

}  // namespace

int main(int argc, char** argv) {
  if (argc != 2) tally::bench::die("usage: tbb_range_sum N");
  const std::int64_t n = std::stoll(argv[1]);
  const tbb::global_control threads(tbb::global_control::max_allowed_parallelism, 2);

  tally::bench::serve_steps([n](const std::string&) {
    std::int64_t sum = 0;
    const std::int64_t took = tally::bench::time_of([&] { sum = parallel_sum(n); });
    // Halved first: n * (n - 1) can overflow where the sum does not.
    const std::int64_t expected = n % 2 == 0 ? n / 2 * (n - 1) : (n - 1) / 2 * n;
    if (sum != expected) tally::bench::die("wrong sum");
    return took;
  });
}

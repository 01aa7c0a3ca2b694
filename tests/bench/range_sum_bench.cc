// range_sum_bench SOCKET N: the step "sum" is the sum of 0..N on two workers, by the
// wall clock of a client whose daemon is warm.
#include <string>

#include "tests/bench/jobs.h"
#include "tests/bench/steps.h"

int main(int argc, char** argv) {
  using namespace tally;
  if (argc != 3) bench::die("usage: range_sum_bench SOCKET N");
  const auto client = bench::connect_or_die(argv[1]);
  const std::int64_t n = std::stoll(argv[2]);
  model::JobSpec spec = bench::sum_job(model::RangeSource{0, n, 1});
  spec.path = model::Path::Process;
  spec.workers = 2;
  const Int128 expected = Int128{n} * (n - 1) / 2;

  bench::serve_steps([&](const std::string&) {
    model::JobAnswer answer;
    const std::int64_t took = bench::time_of([&] {
      answer = bench::wait_or_die(*client, bench::submit_or_die(*client, spec));
    });
    bench::expect_path(answer, model::Path::Process);
    if (answer.workers != 2) bench::die("the job did not run on two workers");
    if (bench::integer_sum(answer) != expected) bench::die("wrong sum");
    return took;
  });
}

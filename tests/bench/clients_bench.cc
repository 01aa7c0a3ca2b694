// clients_bench SOCKET CLIENTS JOBS: the step "jobs" lets each of CLIENTS threads, with
// a connection of its own, run JOBS jobs of one element on the process path, one after
// the other. Every answer is held against its job.
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include "tests/bench/jobs.h"
#include "tests/bench/steps.h"

namespace tally::bench {
namespace {

void run_jobs(client::Client& client, std::int64_t first, std::int64_t jobs) {
  model::JobSpec spec = sum_job(model::RangeSource{});
  spec.path = model::Path::Process;
  for (std::int64_t element = first; element < first + jobs; ++element) {
    spec.source = one_element(element);
    const model::JobAnswer answer = wait_or_die(client, submit_or_die(client, spec));
    expect_path(answer, model::Path::Process);
    if (integer_sum(answer) != element) die("a reply is not its own job's");
  }
}

void run_clients(const std::vector<std::unique_ptr<client::Client>>& clients,
                 std::int64_t jobs) {
  std::vector<std::thread> threads;
  threads.reserve(clients.size());
  std::int64_t first = 1;
  for (const auto& client : clients) {
    threads.emplace_back([&client, first, jobs] { run_jobs(*client, first, jobs); });
    first += jobs;
  }
  for (std::thread& thread : threads) thread.join();
}

}  // namespace
}  // namespace tally::bench

int main(int argc, char** argv) {
  using namespace tally;
  if (argc != 4) bench::die("usage: clients_bench SOCKET CLIENTS JOBS");
  std::vector<std::unique_ptr<client::Client>> clients;
  for (long i = std::stol(argv[2]); i > 0; --i)
    clients.push_back(bench::connect_or_die(argv[1]));
  const std::int64_t jobs = std::stoll(argv[3]);
  bench::serve_steps([&](const std::string&) {
    return bench::time_of([&] { bench::run_clients(clients, jobs); });
  });
}

// queue_bench SOCKET BLOCKS JOBS: for the line "fill 1" occupies two workers with two
// chunks of hours and queues BLOCKS times JOBS jobs of one element behind it, on the
// process path, no two alike. Answers with the bytes that each job took of the daemon's
// resident memory beyond its spec, as the daemon holds that, and with the nanoseconds
// that each block took until the daemon had all of it.
#include <iostream>
#include <string>

#include "tests/bench/jobs.h"
#include "tests/bench/pool.h"
#include "tests/bench/steps.h"

namespace tally::bench {
namespace {

constexpr std::int64_t kHours = std::int64_t{1} << 50;  // elements

model::JobSpec queued_job(std::int64_t element) {
  model::JobSpec spec = sum_job(one_element(element));
  spec.path = model::Path::Process;
  return spec;
}

// Its strings are short: they are in it.
std::uint64_t spec_bytes() {
  return sizeof(model::JobSpec) +
         queued_job(1).reducers.size() * sizeof(model::ReducerSpec);
}

// Requests of a session are taken in order: when the ping is answered, so are these.
void queue_block(client::Client& client, std::int64_t first, std::int64_t jobs) {
  for (std::int64_t element = first; element < first + jobs; ++element)
    submit_or_die(client, queued_job(element));
  if (const auto pong = client.call(model::Ping{}); !pong) die(pong.error().message());
}

std::string fill(client::Client& client, std::int64_t blocks, std::int64_t jobs) {
  model::JobSpec blocker = sum_job(model::RangeSource{0, kHours, 1});
  blocker.path = model::Path::Process;
  blocker.chunk_size = kHours / 2;  // no worker comes free meanwhile
  submit_or_die(client, blocker);
  const std::uint32_t pid = await_status(client, "a job on all workers", all_busy).pid;
  const std::uint64_t before = bytes_in(pid, "status", "VmRSS");
  std::string took;
  for (std::int64_t block = 0; block < blocks; ++block)
    took +=
        ' ' + std::to_string(time_of([&] { queue_block(client, block * jobs, jobs); }));
  const auto queued = static_cast<std::uint64_t>(blocks * jobs);
  if (const auto there = status_or_die(client).jobs_queued; there != queued)
    die("of " + std::to_string(queued) + " jobs, " + std::to_string(there) + " wait");
  const std::uint64_t grown = bytes_in(pid, "status", "VmRSS") - before;
  return std::to_string(static_cast<std::int64_t>(grown / queued) -
                        static_cast<std::int64_t>(spec_bytes())) +
         took;
}

}  // namespace
}  // namespace tally::bench

int main(int argc, char** argv) {
  using namespace tally::bench;
  if (argc != 4) die("usage: queue_bench SOCKET BLOCKS JOBS");
  const auto client = connect_or_die(argv[1]);
  std::string line;
  if (!std::getline(std::cin, line)) return 0;
  std::cout << fill(*client, std::stoll(argv[2]), std::stoll(argv[3])) << std::endl;
  (void)std::getline(std::cin, line);  // the jobs live as long as the connection
}

// throughput_bench SOCKET JOBS: the steps "inline" and "process" run JOBS jobs of one
// element on that path, on one connection with 256 in flight. Every job is another one
// (its element is its number), and every reply is decoded and held against its own job.
#include <deque>
#include <string>

#include "tests/bench/jobs.h"
#include "tests/bench/steps.h"

namespace tally::bench {
namespace {

constexpr std::size_t kInFlight = 256;

struct Asked {
  client::Ticket ticket;
  std::int64_t element = 0;
};

class Pipeline {
 public:
  // `client` must outlive this.
  explicit Pipeline(client::Client& client) : client_(client) {}

  void run(std::int64_t jobs, model::Path path) {
    path_ = path;
    spec_.path = path == model::Path::Inline ? model::Path::Any : path;
    for (std::int64_t i = 0; i < jobs; ++i) {
      if (in_flight_.size() == kInFlight) finish_one();
      submit_one();
    }
    while (!in_flight_.empty()) finish_one();
  }

 private:
  void submit_one() {
    const std::int64_t element = next_element_++;
    spec_.source = one_element(element);
    in_flight_.push_back({submit_or_die(client_, spec_), element});
  }

  void finish_one() {
    const Asked asked = in_flight_.front();
    in_flight_.pop_front();
    const model::JobAnswer answer = wait_or_die(client_, asked.ticket);
    expect_path(answer, path_);
    if (integer_sum(answer) != asked.element) die("a reply is not its own job's");
  }

  client::Client& client_;
  model::Path path_ = model::Path::Inline;
  model::JobSpec spec_ = sum_job(model::RangeSource{});
  std::deque<Asked> in_flight_;  // oldest first
  std::int64_t next_element_ = 1;
};

}  // namespace
}  // namespace tally::bench

int main(int argc, char** argv) {
  using namespace tally;
  if (argc != 3) bench::die("usage: throughput_bench SOCKET JOBS");
  const auto client = bench::connect_or_die(argv[1]);
  const std::int64_t jobs = std::stoll(argv[2]);
  bench::Pipeline pipeline(*client);
  bench::serve_steps([&](const std::string& name) {
    if (name != "inline" && name != "process") bench::die("no such path: " + name);
    const model::Path path =
        name == "inline" ? model::Path::Inline : model::Path::Process;
    return bench::time_of([&] { pipeline.run(jobs, path); });
  });
}

// lost_worker_bench SOCKET N: each step is the sum of 0..N on two workers.
//
//   quiet   undisturbed
//   lost    one of the workers is killed when half of the time of the last quiet one
//           is over
#include <chrono>
#include <string>
#include <thread>

#include "tests/bench/jobs.h"
#include "tests/bench/pool.h"
#include "tests/bench/steps.h"

namespace tally::bench {
namespace {

class TwoWorkers {
 public:
  // `client` must outlive this.
  TwoWorkers(client::Client& client, std::int64_t n) : client_(client), n_(n) {
    spec_ = sum_job(model::RangeSource{0, n, 1});
    spec_.path = model::Path::Process;
    spec_.workers = 2;
  }

  std::int64_t step(const std::string& name) {
    if (name != "quiet" && name != "lost") die("no such step: " + name);
    const bool loses = name == "lost";
    if (loses && quiet_ns_ == 0) die("a quiet one must come first");
    const model::ServerStatus before =
        await_status(client_, "a pool that is whole", all_idle);
    model::JobAnswer answer;
    const std::int64_t took = time_of([&] {
      const client::Ticket ticket = submit_or_die(client_, spec_);
      if (const auto sent = client_.flush(); !sent) die(sent.error().message());
      if (loses) {
        std::this_thread::sleep_for(std::chrono::nanoseconds(quiet_ns_ / 2));
        kill_or_die(before.workers.front().pid);
      }
      answer = wait_or_die(client_, ticket);
    });
    check(answer, loses);
    if (!loses) quiet_ns_ = took;
    return took;
  }

 private:
  void check(const model::JobAnswer& answer, bool loses) const {
    expect_path(answer, model::Path::Process);
    if (integer_sum(answer) != Int128{n_} * (n_ - 1) / 2) die("wrong sum");
    if ((answer.retries == 1) != loses)
      die("the job had " + std::to_string(answer.retries) + " chunks to repeat");
  }

  client::Client& client_;
  const std::int64_t n_;
  model::JobSpec spec_;
  std::int64_t quiet_ns_ = 0;
};

}  // namespace
}  // namespace tally::bench

int main(int argc, char** argv) {
  using namespace tally::bench;
  if (argc != 3) die("usage: lost_worker_bench SOCKET N");
  const auto client = connect_or_die(argv[1]);
  TwoWorkers workers(*client, std::stoll(argv[2]));
  serve_steps([&](const std::string& name) { return workers.step(name); });
}

// recovery_bench SOCKET: each step kills a process of the daemon's with SIGKILL and
// takes the time until what died with it has been replaced.
//
//   worker   an idle worker, until another is idle in its slot
//   zygote   the zygote, whose workers die with it, until the pool is whole again
//
// After each, the pool must give a right answer.
#include <algorithm>
#include <string>

#include "tests/bench/jobs.h"
#include "tests/bench/pool.h"
#include "tests/bench/steps.h"

namespace tally::bench {
namespace {

class Recovery {
 public:
  // `client` must outlive this.
  explicit Recovery(client::Client& client) : client_(client) {}

  std::int64_t step(const std::string& name) {
    const model::ServerStatus before =
        await_status(client_, "a pool that is whole", all_idle);
    std::int64_t took = 0;
    if (name == "worker")
      took = lose_worker(before.workers.at(turn_++ % before.workers.size()));
    else if (name == "zygote")
      took = lose_zygote(before);
    else
      die("no such step: " + name);
    check_pool();
    return took;
  }

 private:
  std::int64_t lose_worker(const model::WorkerStatus& victim) {
    return time_of([&] {
      kill_or_die(victim.pid);
      await_status(client_, "a new worker", [&](const model::ServerStatus& now) {
        return all_idle(now) && now.workers.at(victim.worker).pid != victim.pid;
      });
    });
  }

  std::int64_t lose_zygote(const model::ServerStatus& before) {
    return time_of([&] {
      kill_or_die(before.zygote_pid);
      await_status(client_, "a new zygote", [&](const model::ServerStatus& now) {
        return all_idle(now) && now.zygote_restarts > before.zygote_restarts;
      });
    });
  }

  void check_pool() {
    model::JobSpec spec = sum_job(one_element(++element_));
    spec.path = model::Path::Process;
    const model::JobAnswer answer = wait_or_die(client_, submit_or_die(client_, spec));
    expect_path(answer, model::Path::Process);
    if (integer_sum(answer) != element_) die("wrong sum");
  }

  client::Client& client_;
  std::size_t turn_ = 0;
  std::int64_t element_ = 0;
};

}  // namespace
}  // namespace tally::bench

int main(int argc, char** argv) {
  using namespace tally::bench;
  if (argc != 2) die("usage: recovery_bench SOCKET");
  const auto client = connect_or_die(argv[1]);
  Recovery recovery(*client);
  serve_steps([&](const std::string& name) { return recovery.step(name); });
}

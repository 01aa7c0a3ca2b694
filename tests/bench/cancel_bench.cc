// cancel_bench SOCKET: each step, "process" or "thread", starts a job of hours on that
// path, sees it at work, cancels it, and takes the time until the answer is there and
// every worker, or thread, is free again.
#include <map>
#include <string>
#include <variant>

#include "tests/bench/jobs.h"
#include "tests/bench/pool.h"
#include "tests/bench/steps.h"

namespace tally::bench {
namespace {

constexpr std::int64_t kHours = std::int64_t{1} << 50;  // elements

bool threads_at_work(const model::ServerStatus& status) {
  return status.threads_busy > 0;
}
bool no_thread_at_work(const model::ServerStatus& status) {
  return status.threads_busy == 0;
}

void expect_cancelled(client::Client& client, client::Ticket ticket) {
  const auto reply = client.wait(ticket);
  if (!reply) die(reply.error().message());
  const auto* answer = std::get_if<model::JobAnswer>(&*reply);
  if (answer == nullptr || answer->state != model::JobState::Cancelled)
    die("the job is not cancelled");
}

std::int64_t cancel(client::Client& client, model::Path path) {
  const bool on_workers = path == model::Path::Process;
  model::JobSpec spec = sum_job(model::RangeSource{0, kHours, 1});
  spec.path = path;
  const client::Ticket ticket = submit_or_die(client, spec);
  await_status(client, "a job at work", on_workers ? all_busy : threads_at_work);
  return time_of([&] {
    if (const auto asked = client.cancel(ticket); !asked) die(asked.error().message());
    expect_cancelled(client, ticket);
    await_status(client, "free workers", on_workers ? all_idle : no_thread_at_work);
  });
}

}  // namespace
}  // namespace tally::bench

int main(int argc, char** argv) {
  using namespace tally;
  if (argc != 2) bench::die("usage: cancel_bench SOCKET");
  const auto client = bench::connect_or_die(argv[1]);
  bench::serve_steps([&](const std::string& name) {
    if (name == "process") return bench::cancel(*client, model::Path::Process);
    if (name == "thread") return bench::cancel(*client, model::Path::Thread);
    bench::die("no such path: " + name);
  });
}

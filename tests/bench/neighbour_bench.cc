// neighbour_bench SOCKET N UID: as root, one user's job beside another's. The sum of
// 0..N, which has all workers, is root's; the jobs of one element are UID's.
//
//   process, inline   a job of one element, on that path
//   chunk             the mean time of the long job's chunks until now
#include <unistd.h>

#include <map>
#include <memory>
#include <string>
#include <variant>

#include "tests/bench/jobs.h"
#include "tests/bench/pool.h"
#include "tests/bench/steps.h"

namespace tally::bench {
namespace {

// The daemon goes by who a client is when it connects.
std::unique_ptr<client::Client> connect_as(uid_t uid, const std::string& socket) {
  if (::seteuid(uid) != 0) die("cannot be uid " + std::to_string(uid));
  auto client = connect_or_die(socket);
  if (::seteuid(0) != 0) die("cannot be root again");
  return client;
}

model::JobId start_long_job(client::Client& client, std::int64_t n) {
  model::JobSpec spec = sum_job(model::RangeSource{0, n, 1});
  spec.path = model::Path::Process;
  const auto ticket = client.submit(spec, {}, model::ReplyWhen::Accepted);
  if (!ticket) die(ticket.error().message());
  const auto reply = client.wait(*ticket);
  if (!reply) die(reply.error().message());
  const auto* accepted = std::get_if<model::Accepted>(&*reply);
  if (accepted == nullptr) die("the long job was not taken on");
  await_status(client, "the long job at work", all_busy);
  return accepted->id;
}

std::int64_t mean_chunk_ns(client::Client& client, model::JobId job) {
  const auto reply = client.call(model::Status{job});
  if (!reply) die(reply.error().message());
  const auto* answer = std::get_if<model::JobAnswer>(&*reply);
  if (answer == nullptr || answer->state != model::JobState::Running)
    die("the long job does not run any more");
  std::uint64_t chunks = 0;
  std::uint64_t run_ns = 0;
  for (const model::WorkerUsage& usage : answer->worker_usage) {
    chunks += usage.chunks;
    run_ns += usage.run_ns;
  }
  if (chunks == 0) die("the long job has no chunk done yet");
  return static_cast<std::int64_t>(run_ns / chunks);
}

void run_job(client::Client& client, std::int64_t element, model::Path path) {
  model::JobSpec spec = sum_job(one_element(element));
  if (path != model::Path::Inline) spec.path = path;  // inline is what `auto` picks
  const model::JobAnswer answer = wait_or_die(client, submit_or_die(client, spec));
  expect_path(answer, path);
  if (integer_sum(answer) != element) die("wrong sum");
}

void serve(const std::string& socket, std::int64_t n, uid_t uid) {
  const std::map<std::string, model::Path> paths{{"process", model::Path::Process},
                                                 {"inline", model::Path::Inline}};
  const auto owner = connect_as(0, socket);
  const auto neighbour = connect_as(uid, socket);
  const model::JobId job = start_long_job(*owner, n);
  std::int64_t element = 0;
  serve_steps([&](const std::string& name) {
    if (name == "chunk") return mean_chunk_ns(*owner, job);
    const auto path = paths.find(name);
    if (path == paths.end()) die("no such step: " + name);
    return time_of([&] { run_job(*neighbour, ++element, path->second); });
  });
}

}  // namespace
}  // namespace tally::bench

int main(int argc, char** argv) {
  using namespace tally::bench;
  if (argc != 4) die("usage: neighbour_bench SOCKET N UID");
  serve(argv[1], std::stoll(argv[2]), static_cast<uid_t>(std::stoul(argv[3])));
}

// roundtrip_bench SOCKET: each step is one round trip.
//
//   inline, thread, process   a job of one element, on that path
//   pingpong                  64 bytes to another process and back over a Unix stream
//                             socket: the least that asking another process can cost
//
// The same thread of the same program does all four, so that they differ in nothing
// but what is asked.
#include <sys/prctl.h>
#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <csignal>
#include <map>
#include <string>

#include "ipc/base/unique_fd.h"
#include "tests/bench/jobs.h"
#include "tests/bench/steps.h"

namespace tally::bench {
namespace {

constexpr std::size_t kPingBytes = 64;
constexpr std::int64_t kElement = 42;

using Packet = std::array<char, kPingBytes>;

// Both sides move a packet in one call: a stream socket neither splits nor joins what
// is smaller than its buffer while one packet is under way at a time.
bool send_packet(int fd, const Packet& packet) {
  return ::write(fd, packet.data(), packet.size()) == ssize_t{kPingBytes};
}
bool receive_packet(int fd, Packet& packet) {
  return ::read(fd, packet.data(), packet.size()) == ssize_t{kPingBytes};
}

// The other process: echoes until its peer is gone.
[[noreturn]] void echo(int fd) {
  (void)::prctl(PR_SET_PDEATHSIG, SIGKILL);
  for (Packet packet; receive_packet(fd, packet) && send_packet(fd, packet);) {
  }
  ::_exit(0);
}

// Call before there are threads.
UniqueFd start_echo() {
  int ends[2];
  if (::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends) != 0)
    die("no socketpair");
  UniqueFd ours(ends[0]);
  UniqueFd theirs(ends[1]);
  const pid_t child = ::fork();
  if (child < 0) die("no fork");
  if (child == 0) {
    ours.reset();
    echo(theirs.get());
  }
  return ours;
}

void ping_pong(int fd) {
  Packet packet{};
  if (!send_packet(fd, packet) || !receive_packet(fd, packet)) die("the echo is gone");
}

std::map<std::string, model::JobSpec> specs_by_path() {
  std::map<std::string, model::JobSpec> specs;
  model::JobSpec spec = sum_job(one_element(kElement));
  specs["inline"] = spec;  // what `auto` picks for it; expect_path checks that
  spec.path = model::Path::Thread;
  specs["thread"] = spec;
  spec.path = model::Path::Process;
  specs["process"] = spec;
  return specs;
}

void run_job(client::Client& client, const model::JobSpec& spec, model::Path path) {
  const model::JobAnswer answer = wait_or_die(client, submit_or_die(client, spec));
  expect_path(answer, path);
  if (integer_sum(answer) != kElement) die("wrong sum");
}

void serve(const std::string& socket) {
  const UniqueFd echo = start_echo();
  const auto client = connect_or_die(socket);
  const std::map<std::string, model::JobSpec> specs = specs_by_path();
  serve_steps([&](const std::string& name) {
    if (name == "pingpong") return time_of([&] { ping_pong(echo.get()); });
    const auto spec = specs.find(name);
    if (spec == specs.end()) die("no such path: " + name);
    const model::Path path =
        spec->second.path == model::Path::Any ? model::Path::Inline : spec->second.path;
    return time_of([&] { run_job(*client, spec->second, path); });
  });
}

}  // namespace
}  // namespace tally::bench

int main(int argc, char** argv) {
  if (argc != 2) tally::bench::die("usage: roundtrip_bench SOCKET");
  tally::bench::serve(argv[1]);
}

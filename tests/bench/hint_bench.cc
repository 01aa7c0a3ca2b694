// hint_bench SOCKET SUM FILE...: the steps "cpu" and "io" are the sum over all doubles
// of the raw files under that hint, by the client's wall clock. SUM is what it is, in
// the form of C's %a; every answer must have its very bits.
#include <fcntl.h>

#include <bit>
#include <cstdlib>
#include <span>
#include <string>
#include <vector>

#include "ipc/base/unique_fd.h"
#include "tests/bench/jobs.h"
#include "tests/bench/steps.h"

namespace tally::bench {
namespace {

struct Input {
  model::FilesSource source;
  std::vector<UniqueFd> files;
  std::vector<int> fds;  // theirs
};

Input open_files(std::span<char*> names) {
  Input input;
  input.source.format = model::FileFormat::Raw;
  input.source.type = model::ElementType::F64;
  for (const char* name : names) {
    UniqueFd file(::open(name, O_RDONLY | O_CLOEXEC));
    if (!file) die(std::string("cannot open ") + name);
    const auto index = static_cast<std::uint32_t>(input.files.size());
    input.source.files.push_back({name, index});
    input.fds.push_back(file.get());
    input.files.push_back(std::move(file));
  }
  return input;
}

void serve(const std::string& socket, double expected, std::span<char*> names) {
  const Input input = open_files(names);
  const auto client = connect_or_die(socket);
  model::JobSpec spec = sum_job(input.source);
  serve_steps([&](const std::string& name) {
    spec.hint = name == "io" ? model::Hint::Io : model::Hint::Cpu;
    model::JobAnswer answer;
    const std::int64_t took = time_of([&] {
      answer = wait_or_die(*client, submit_or_die(*client, spec, input.fds));
    });
    expect_path(answer, name == "io" ? model::Path::Thread : model::Path::Process);
    if (std::bit_cast<std::uint64_t>(float_sum(answer)) !=
        std::bit_cast<std::uint64_t>(expected))
      die("wrong sum under the hint " + name);
    return took;
  });
}

}  // namespace
}  // namespace tally::bench

int main(int argc, char** argv) {
  if (argc < 4) tally::bench::die("usage: hint_bench SOCKET SUM FILE...");
  const std::span<char*> words(argv, static_cast<std::size_t>(argc));
  tally::bench::serve(argv[1], std::strtod(argv[2], nullptr), words.subspan(3));
}

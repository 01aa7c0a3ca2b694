// Summaries of files, all at once, as futures: tally.hpp with a thread of its own.
//
//   c++ -std=c++20 summary.cc -ltally -pthread -o summary && ./summary temp a.csv b.csv
//
// Exit code 0: done; 1: a job failed; 2: used wrongly, or no daemon.
#include <future>
#include <iostream>
#include <string>
#include <utility>
#include <vector>

#include <tally/tally.hpp>

namespace {

// Prints `file: count 3, mean 2.5, …`; false if there is no answer.
bool print(const std::string& file, std::future<tally::Answer> future) {
  try {
    const tally::Answer answer = future.get();
    std::cout << file << ':';
    for (std::size_t i = 0; i < answer.size(); ++i) {
      const tally::Result result = answer[i];
      std::cout << (i == 0 ? " " : ", ") << result.label() << ' '
                << (result.has_value() ? result.text()
                                       : tally_error_message(result.error()));
    }
    std::cout << '\n';
    return true;
  } catch (const tally::Error& error) {
    std::cerr << file << ": " << error.what() << " (" << error.code() << ")\n";
    return false;
  }
}

}  // namespace

int main(int argc, char** argv) {
  if (argc < 3) {
    std::cerr << "usage: summary COLUMN FILE...\n";
    return 2;
  }
  const std::string column = argv[1];
  // The same without exceptions: ask first, then use.
  auto client = tally::AsyncClient::connect();
  if (!client) {
    std::cerr << "summary: " << client.error().what() << '\n';
    return 2;
  }
  std::vector<std::pair<std::string, std::future<tally::Answer>>> answers;
  for (int i = 2; i < argc; ++i) {
    tally::Job job;
    job.add("count", column).add("mean", column).add("min", column).add("max", column);
    job.file(argv[i]).missing(TALLY_MISSING_SKIP);
    answers.emplace_back(argv[i], (*client)->submit(job));
  }
  bool all = true;
  for (auto& [file, answer] : answers) all = print(file, std::move(answer)) && all;
  return all ? 0 : 1;
}

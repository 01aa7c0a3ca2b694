// Steps: how run.py drives a benchmark program, so that it can interleave several.
//
// The program reads lines "NAME COUNT" from stdin; for each it does the thing COUNT
// times and answers with one line: the COUNT durations in nanoseconds. It ends at the
// end of its input. What goes wrong is said on stderr, and the program exits 1: there
// is no figure without the right answer behind it.
//
// Standard library only: the peers use it too.
#pragma once

#include <chrono>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <iostream>
#include <sstream>
#include <string>

namespace tally::bench {

[[noreturn]] inline void die(const std::string& message) {
  std::fprintf(stderr, "bench: %s\n", message.c_str());
  std::exit(1);
}

// How long `work` takes. The clock is steady; durations are in nanoseconds.
template <typename Work>
std::int64_t time_of(Work&& work) {
  const auto start = std::chrono::steady_clock::now();
  work();
  return std::chrono::nanoseconds(std::chrono::steady_clock::now() - start).count();
}

// Serves steps until the end of input. `step(name)` does one and returns its duration.
template <typename Step>
void serve_steps(Step&& step) {
  for (std::string line; std::getline(std::cin, line);) {
    std::istringstream words(line);
    std::string name;
    int count = 0;
    if (!(words >> name >> count) || count < 1) die("not a step: '" + line + "'");
    // Printed when all are done: a write between two would be measured with them.
    std::string durations;
    for (int i = 0; i < count; ++i) durations += std::to_string(step(name)) + ' ';
    std::cout << durations << std::endl;
  }
}

}  // namespace tally::bench

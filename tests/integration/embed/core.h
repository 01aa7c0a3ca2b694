// What the suites of the embedded core begin with.
#pragma once

#include <gtest/gtest.h>

#include <cstdint>
#include <string>

#include "client/include/tally/tally_embed.hpp"

namespace tally {

inline EmbedOptions options(std::uint32_t workers = 2) {
  EmbedOptions given;
  given.workers = workers;
  given.worker_program = TALLY_WORKER;
  return given;
}

inline Embedded core(std::uint32_t workers = 2) {
  return Embedded::start(options(workers)).value();
}

inline Job sum_to(std::int64_t stop, tally_path path = TALLY_PATH_PROCESS) {
  Job job;
  job.add("sum").range(0, stop).path(path);
  return job;
}

// More elements than anybody lives to see the sum of.
inline Job endless() {
  return sum_to(INT64_MAX);
}

inline std::string text(const Expected<Answer>& answer) {
  return answer ? (*answer)[0].text() : std::string(answer.error().what());
}

}  // namespace tally

// How run and wait print the answer of a job that has ended.
#pragma once

#include <cstdint>
#include <optional>

#include "client/cli/args.h"
#include "client/client.h"
#include "ipc/model/job_answer.h"

namespace tally::cli {

struct AnswerView {
  std::uint64_t wall_ns = 0;  // shown to people
  // For JSON: wall time less the daemon's; none where it is another client's to know.
  std::optional<std::uint64_t> transport_ns;
  bool name_files = false;  // behind an index
};

// Prints the answer to stdout, as a table, as values alone (--quiet, an empty line for
// a result without one) or as JSON. A value of a partial answer is marked as such, so
// that nobody reads it as a number. The exit code is exit_code_of(answer), which is the
// caller's.
void print_answer(const model::JobAnswer& answer, const Args& args,
                  const AnswerView& view);

// --verbose: says on stderr where time and memory went, below what was printed. Asks
// the daemon what its workers have in memory, which the job's answer need not hold.
void explain_answer(const model::JobAnswer& answer,
                    const std::optional<std::uint64_t>& transport_ns,
                    client::Client& client);

// Says on stderr what a partial answer does not cover, and why.
void tell_of_missing_ranges(const model::JobAnswer& answer);

// Says on stderr which results have no value; a table on a terminal shows it already.
void tell_of_missing_values(const model::JobAnswer& answer, const Args& args);

}  // namespace tally::cli

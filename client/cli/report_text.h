// Where the time and the memory of a job went, in words: --verbose.
//
// Nothing but what the answer accounts for: its phases, their shares, sums of what the
// workers measured. What was not measured is left out.
#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "ipc/model/job_answer.h"

namespace tally::cli {

// Lines, each ended by "\n". `transport_ns` is unknown to one who only waits.
std::string text_of_report(const model::JobAnswer& answer,
                           const std::optional<std::uint64_t>& transport_ns);

// How much of the time that the job held its workers they computed, 0 to 1; 0 where
// nothing ran.
double computing_share(const model::JobAnswer& answer);

// "93 %", "4.1 %", "<0.1 %".
std::string text_of_share(double share);

}  // namespace tally::cli

// loss_place: which part of the input a lost worker had in hand.
#pragma once

#include "ipc/base/error.h"
#include "runtime/plan/planner.h"

namespace tally::job {

// `cause` with what the chunk, or the part of it, covers: in words, and as fields
// begin, end (elements, or bytes of csv and text), file and byte_offset where it is of
// one file.
Error at_place(Error cause, const plan::Plan& plan, std::uint32_t chunk,
               const plan::Plan::Part& part);

}  // namespace tally::job

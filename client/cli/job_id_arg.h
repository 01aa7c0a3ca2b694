// The ID of wait, show and cancel, as a person types it.
#pragma once

#include "client/cli/args.h"
#include "ipc/base/result.h"
#include "ipc/model/request.h"

namespace tally::cli {

// The job that the verb's one operand names: "7f3a91c2004be810-17", or with the tag cut
// to its first digits, "7f3a-17"; the daemon decides whether the tag is its own.
// Errors: InvalidArgument "no_job_id", "bad_job_id", "unexpected_argument".
Result<model::JobRef> job_of(const Args& args);

}  // namespace tally::cli

// Codec of job specs and answers (ipc/schema/job.capnp).
#pragma once

#include "ipc/base/result.h"
#include "ipc/codec/common_codec.h"
#include "ipc/codec/source_codec.h"
#include "ipc/message.h"
#include "ipc/model/job_answer.h"
#include "ipc/model/job_spec.h"
#include "ipc/schema/job.capnp.h"

namespace tally::ipc {

inline constexpr unsigned kMaxReducers = 256;

void write_spec(schema::JobSpec::Builder to, const model::JobSpec& spec);
// Errors: InvalidArgument for numbers out of range, too many reducers or files. What a
// spec means is checked later, where it is planned.
Result<model::JobSpec> read_spec(schema::JobSpec::Reader from);

// The spec alone; equal specs give equal bytes.
Bytes encoded_spec(const model::JobSpec& spec);

void write_answer(schema::JobAnswer::Builder to, const model::JobAnswer& answer);
Result<model::JobAnswer> read_answer(schema::JobAnswer::Reader from);

}  // namespace tally::ipc

// Sample values for codec tests: every field set, every kind of source and value.
#pragma once

#include <vector>

#include "ipc/codec/worker_codec.h"
#include "ipc/model/request.h"

namespace tally::ipc {

model::JobSpec sample_spec(model::Source source);
std::vector<model::Source> sample_sources();

// Results with every kind of value, -0 and NaN bits among them, and errors with fields.
model::JobAnswer sample_answer();

std::vector<model::Request> sample_requests();
std::vector<model::Reply> sample_replies();
std::vector<WorkerMessage> sample_worker_messages();

// Each sample as the body of its frame.
Bytes request_body(const model::Request& request);
Bytes reply_body(const model::Reply& reply);
Bytes worker_body(const WorkerMessage& message);

}  // namespace tally::ipc

// Jobs for benchmarks: connect, submit, and an answer that is right or the end.
//
// Errors: none is returned; a benchmark that meets one ends with exit code 1 (die).
#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <string>

#include "client/client.h"
#include "ipc/base/int128.h"
#include "ipc/model/job_answer.h"
#include "ipc/model/job_spec.h"

namespace tally::bench {

std::unique_ptr<client::Client> connect_or_die(const std::string& socket);

// A job of the one reducer `sum`.
model::JobSpec sum_job(model::Source source);

// A values source of the one i64 element.
model::ValuesSource one_element(std::int64_t element);

// Queues the job; its answer comes when it is finished.
client::Ticket submit_or_die(client::Client& client, const model::JobSpec& spec,
                             std::span<const int> fds = {});
// The answer of a job that is done.
model::JobAnswer wait_or_die(client::Client& client, client::Ticket ticket);

// The only result of a sum over integers, over doubles.
Int128 integer_sum(const model::JobAnswer& answer);
double float_sum(const model::JobAnswer& answer);

// Ends the benchmark if the job ran elsewhere: its figure would be another path's.
void expect_path(const model::JobAnswer& answer, model::Path path);

}  // namespace tally::bench

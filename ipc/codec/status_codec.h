// Codec of server status, job lists and plans (ipc/schema/control.capnp).
#pragma once

#include <vector>

#include "ipc/base/result.h"
#include "ipc/model/server_status.h"
#include "ipc/schema/control.capnp.h"

namespace tally::ipc {

void write_server_status(schema::ServerStatus::Builder to,
                         const model::ServerStatus& status);
Result<model::ServerStatus> read_server_status(schema::ServerStatus::Reader from);

void write_job_summary(schema::JobSummary::Builder to, const model::JobSummary& job);
Result<model::JobSummary> read_job_summary(schema::JobSummary::Reader from);

void write_plan(schema::JobPlan::Builder to, const model::JobPlan& plan);
Result<model::JobPlan> read_plan(schema::JobPlan::Reader from);

}  // namespace tally::ipc

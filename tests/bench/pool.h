// A daemon's pool and memory, as a client can see them.
//
// The state is asked for by `status`, one time after another: an answer is up to half a
// millisecond old when it comes, so a time that is measured with await_status() is
// longer than the true one, never shorter.
//
// Errors: as in jobs.h.
#pragma once

#include <cstdint>
#include <functional>
#include <string>

#include "client/client.h"
#include "ipc/model/server_status.h"

namespace tally::bench {

model::ServerStatus status_or_die(client::Client& client);

// The first status for which `is_so`; `what` is said if there is none in ten seconds.
model::ServerStatus await_status(
    client::Client& client, const char* what,
    const std::function<bool(const model::ServerStatus&)>& is_so);

// Every slot has a worker, and none has work.
bool all_idle(const model::ServerStatus& status);
bool all_busy(const model::ServerStatus& status);

// SIGKILL.
void kill_or_die(std::uint32_t pid);

// The field `name`, in kB there, of a file of /proc/PID.
std::uint64_t bytes_in(std::uint32_t pid, const char* file, const std::string& name);

}  // namespace tally::bench

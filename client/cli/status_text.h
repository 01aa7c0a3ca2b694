// A daemon's status for people.
#pragma once

#include <string>

#include "ipc/model/server_status.h"

namespace tally::cli {

// Its version, sockets, cores and what bounds them, memory, threads and queue.
std::string text_of_daemon(const model::ServerStatus& status);
// A line a worker.
std::string text_of_pool(const model::ServerStatus& status);
// A line a key of the configuration: the value in force and where it is from.
// What is held of what is limited; empty text where the daemon does not tell.
std::string text_of_limits(const model::ServerStatus& status);
// Tokens in use or waited for; empty text if there are none.
std::string text_of_tokens(const model::ServerStatus& status);
std::string text_of_settings(const model::ServerStatus& status);

// What happened between two statuses of one daemon, by its own clock: "12 jobs/s,
// 1.20 G elements/s"; "-" where the daemon is another one.
std::string text_of_rates(const model::ServerStatus& before,
                          const model::ServerStatus& now);

}  // namespace tally::cli

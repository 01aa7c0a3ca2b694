// Watching a daemon: its status again and again, on a terminal's whole screen or, where
// stdout is none, one block below the other.
#pragma once

#include <chrono>
#include <cstdint>
#include <string_view>

#include "client/client.h"
#include "ipc/base/result.h"
#include "ipc/model/server_status.h"

namespace tally::cli {

// One status. `interrupt_fd` as for Client::wait().
Result<model::ServerStatus> ask_status(client::Client& client, int interrupt_fd = -1);

struct WatchOptions {
  std::chrono::nanoseconds every = std::chrono::seconds(2);
  std::uint64_t count = 0;  // statuses to show; 0: no end
  bool json = false;        // an object on a line each, on a terminal too
};

// "2", "0.5" (seconds) or a duration such as "500ms", from 100 ms to 1 h.
// Errors: InvalidArgument "bad_option".
Result<std::chrono::nanoseconds> parse_interval(std::string_view text);

// Shows the status until it was shown `count` times (exit code 0), Ctrl-C (0), another
// ending signal (128 + its number), or stdout cannot be written (1). The terminal is
// then as it was. Errors: that the daemon has gone away, and those of a call.
Result<int> watch_status(client::Client& client, const WatchOptions& options);

}  // namespace tally::cli

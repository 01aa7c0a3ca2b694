// run_loop: runs an io_context until it is stopped or has nothing left to do, like its
// own run(), but polls for a short while before it sleeps (ipc/base/short_poll.h).
#pragma once

#include <asio/io_context.hpp>

#include <functional>

namespace tally::daemon {

// `looks` is called each time before the loop looks for what is ready.
void run_loop(asio::io_context& loop, const std::function<void()>& looks);

}  // namespace tally::daemon

#include "daemon/run_loop.h"

#include "ipc/base/short_poll.h"

namespace tally::daemon {
namespace {

// Longer than it takes a client that sleeps to wake up and to ask again.
constexpr Nanoseconds kLongestPollNs = 50'000;

}  // namespace

void run_loop(asio::io_context& loop, const std::function<void()>& looks) {
  ShortPoll short_poll(kLongestPollNs);
  // run_one() sleeps; it gives 0 when the loop was stopped.
  const auto poll = [&] {
    looks();
    return loop.poll() > 0 || loop.stopped();
  };
  for (looks(); loop.run_one() > 0; looks())
    while (short_poll.wait(poll))
      if (loop.stopped()) return;
}

}  // namespace tally::daemon

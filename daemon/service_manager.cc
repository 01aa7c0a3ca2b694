#include "daemon/service_manager.h"

#include <systemd/sd-daemon.h>

#include <cstdint>
#include <string>

#include "ipc/base/clock.h"

namespace tally::daemon {

void notify_ready() {
  ::sd_notify(0, "READY=1");
}

void notify_reloading() {
  const std::string state =
      "RELOADING=1\nMONOTONIC_USEC=" + std::to_string(monotonic_ns() / 1000);
  ::sd_notify(0, state.c_str());
}

void notify_stopping() {
  ::sd_notify(0, "STOPPING=1");
}

std::optional<std::chrono::microseconds> watchdog_timeout() {
  std::uint64_t microseconds = 0;
  if (::sd_watchdog_enabled(0, &microseconds) <= 0) return std::nullopt;
  return std::chrono::microseconds(microseconds);
}

void notify_alive() {
  ::sd_notify(0, "WATCHDOG=1");
}

}  // namespace tally::daemon

// What tallyd tells the service manager (sd_notify); nothing where none listens.
#pragma once

#include <chrono>
#include <optional>

namespace tally::daemon {

void notify_ready();
// Before notify_ready() once more. Carries the time, which Type=notify-reload needs.
void notify_reloading();
void notify_stopping();

// How long notify_alive() may be away before we are ended (WatchdogSec=); none where
// nobody watches.
std::optional<std::chrono::microseconds> watchdog_timeout();
// Unlike the others it does not wait for a manager that does not read: one that is
// stuck is no reason to be stuck as well.
void notify_alive();

}  // namespace tally::daemon

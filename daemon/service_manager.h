// What tallyd tells the service manager (sd_notify); nothing where none listens.
#pragma once

namespace tally::daemon {

void notify_ready();
// Before notify_ready() once more. Carries the time, which Type=notify-reload needs.
void notify_reloading();
void notify_stopping();

}  // namespace tally::daemon

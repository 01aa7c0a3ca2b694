#include "daemon/path_watch.h"

#include <algorithm>
#include <utility>

namespace tally::daemon {
namespace {

using model::HealthState;

constexpr Nanoseconds kLookEvery = PathWatch::kLate / 10;  // while one is open

std::string seconds(Nanoseconds ns) {
  return std::to_string(ns / 1'000'000'000) + " s";
}

}  // namespace

void PathWatch::every(Nanoseconds interval_ns, Nanoseconds now_ns) {
  interval_ns_ = interval_ns;
  due_ns_ = now_ns;
  now_ns_ = now_ns;
  if (interval_ns_ != 0) return;
  open_ = false;
  outcome_.reset();
}

void PathWatch::look(const Look& look, Nanoseconds now_ns) {
  now_ns_ = now_ns;
  look_ = look;
  if (look.moved) life_ns_ = now_ns;
}

bool PathWatch::due() const {
  if (interval_ns_ == 0 || look_.in_line > 0) return false;  // that one tells as much
  return now_ns_ >= due_ns_ || (open_ && now_ns_ - sent_ns_ >= kNext);
}

void PathWatch::sent() {
  if (!std::exchange(open_, true)) since_ns_ = life_ns_ = now_ns_;
  sent_ns_ = now_ns_;
  due_ns_ = now_ns_ + interval_ns_;
}

void PathWatch::answered() {
  close(HealthState::Ok, "");
}

void PathWatch::failed(std::string error) {
  close(HealthState::Failed, std::move(error));
}

void PathWatch::wrong(std::string message) {
  close(HealthState::Wrong, std::move(message));
}

void PathWatch::close(HealthState outcome, std::string message) {
  if (interval_ns_ == 0) return;
  open_ = false;
  outcome_ = outcome;
  message_ = std::move(message);
}

Nanoseconds PathWatch::next_look_ns() const {
  if (!open_ && look_.in_line == 0) return due_ns_;
  return now_ns_ + std::min(kLookEvery, interval_ns_);
}

HealthState PathWatch::state() const {
  if (interval_ns_ == 0) return HealthState::Off;
  if (is_late()) return HealthState::Wedged;
  if (!outcome_ || (open_ && now_ns_ - since_ns_ >= kLate)) return HealthState::Busy;
  return *outcome_;
}

std::string PathWatch::message() const {
  switch (state()) {
    case HealthState::Off: return "no canaries are sent ([daemon] canary is \"0s\")";
    case HealthState::Ok: return "";
    case HealthState::Busy:
      if (now_ns_ - since_ns_ < kLate) return "no canary has been answered yet";
      return "a canary has waited " + seconds(now_ns_ - since_ns_) +
             " behind work that goes on";
    case HealthState::Wedged:
      return "a canary has had no answer for " + seconds(now_ns_ - since_ns_) +
             ", and for " + seconds(now_ns_ - life_ns_) + " nothing moved" +
             (waits_behind_others() ? ": what is before it in line stands still" : "");
    case HealthState::Failed:
    case HealthState::Wrong: break;
  }
  return message_;
}

bool PathWatch::is_alive() const {
  if (state() == HealthState::Wrong) return false;
  if (!is_late() || look_.degraded) return true;
  return waits_behind_others() && now_ns_ - life_ns_ < stall_ns_ + kLate;
}

}  // namespace tally::daemon

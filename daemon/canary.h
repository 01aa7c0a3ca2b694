// Canary: small jobs of our own with known answers, through every path, again and
// again.
//
// What they find is `health`: a PathWatch a path. It also decides whether the service
// manager's watchdog is fed: not while a path is wedged or gives wrong answers, which a
// restart may mend. That the loop itself runs is shown by its being fed at all.
//
// A canary goes through the engine as any job does, but nobody sees or waits for it
// (Submission::canary). Time in which the daemon was stopped or frozen is left out: a
// tick that comes late moves everything on by as much.
//
// Threads: the loop's. Lifetime: the io_context and the engine must outlive it.
#pragma once

#include <asio/io_context.hpp>
#include <asio/steady_timer.hpp>

#include <array>
#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "daemon/path_watch.h"
#include "runtime/engine.h"

namespace tally::daemon {

// The service manager's: it ends us when it is not fed for several times `every`.
struct Watchdog {
  std::chrono::nanoseconds every{};
  std::function<void()> feed;
};

class Canary {
 public:
  struct Options {
    std::chrono::nanoseconds every{};  // zero: no canaries
    std::chrono::nanoseconds stall{};  // what supervision lets others' work stand still
    std::optional<Watchdog> watchdog;
    std::function<void(const std::string&)> log;
  };

  Canary(asio::io_context& loop, Engine& engine, Options options);
  ~Canary();

  void start();
  void every(std::chrono::nanoseconds interval);  // from now on
  // No more canaries; the watchdog is fed on. Before the engine is stopped.
  void stop() { every(std::chrono::nanoseconds(0)); }

  std::vector<model::PathHealth> health() const;

 private:
  class Trial;
  struct Path {
    model::Path path;
    PathWatch watch;
    std::vector<std::uint64_t> sent{};        // job numbers, not answered yet
    std::vector<exec::SlotProgress> slots{};  // at the last look
    std::optional<Nanoseconds> last_ok_ns{};  // on the monotonic clock
    Nanoseconds latency_ns = 0;
    model::HealthState told = model::HealthState::Ok;  // in the log
  };

  Nanoseconds running_ns() const { return monotonic_ns() - left_out_ns_; }
  void look_later();
  void look();
  PathWatch::Look look_at(Path& path);
  void send(Path& path);
  void ended(Path& path, const Trial& trial, const model::JobAnswer& answer);
  void tell(Path& path);
  void feed_later(std::chrono::nanoseconds after);

  Engine& engine_;
  const Options options_;
  std::array<Path, 3> paths_;
  Nanoseconds left_out_ns_ = 0;
  asio::steady_timer look_timer_;
  asio::steady_timer feed_timer_;
  bool sends_ = false;
  bool feeds_ = true;
  std::shared_ptr<bool> alive_ = std::make_shared<bool>(true);  // for trials
};

}  // namespace tally::daemon

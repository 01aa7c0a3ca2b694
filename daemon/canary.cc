#include "daemon/canary.h"

#include <algorithm>
#include <utility>

#include "daemon/known_job.h"

namespace tally::daemon {
namespace {

// (uid_t)-1: no process has it, so that canaries take turns as a user of their own.
constexpr std::uint32_t kNobody = ~0U;

// A slot that came or went is a move, too.
bool moved(const std::vector<exec::SlotProgress>& before,
           const std::vector<exec::SlotProgress>& now) {
  return !std::ranges::equal(before, now, [](const auto& then, const auto& slot) {
    return !slot.moved_since(then);
  });
}

Nanoseconds count_of(std::chrono::nanoseconds time) {
  return static_cast<Nanoseconds>(std::max(time, std::chrono::nanoseconds(0)).count());
}

bool is_bad(model::HealthState state) {
  return state == model::HealthState::Wedged || state == model::HealthState::Failed ||
         state == model::HealthState::Wrong;
}

}  // namespace

class Canary::Trial : public job::JobObserver {
 public:
  Trial(Canary& canary, Path& path)
      : canary_(canary), path_(path), alive_(canary.alive_) {}

  void refused(const Error& why) override {
    open_ = false;
    if (*alive_) path_.watch.failed("a canary was refused: " + why.message());
  }
  void ended(const std::shared_ptr<const job::EndedJob>& job) override {
    open_ = false;
    if (*alive_) canary_.ended(path_, *this, job->answer);
  }

  bool open() const { return open_; }
  Nanoseconds sent_ns() const { return sent_ns_; }

 private:
  Canary& canary_;
  Path& path_;
  const std::shared_ptr<bool> alive_;
  const Nanoseconds sent_ns_ = monotonic_ns();
  bool open_ = true;
};

Canary::Canary(asio::io_context& loop, Engine& engine, Options options)
    : engine_(engine),
      options_(std::move(options)),
      paths_{{{model::Path::Inline, PathWatch(count_of(options_.stall))},
              {model::Path::Thread, PathWatch(count_of(options_.stall))},
              {model::Path::Process, PathWatch(count_of(options_.stall))}}},
      look_timer_(loop),
      feed_timer_(loop) {}

Canary::~Canary() {
  *alive_ = false;
}

void Canary::start() {
  every(options_.every);
  if (options_.watchdog) feed_later(std::chrono::nanoseconds(0));
}

void Canary::every(std::chrono::nanoseconds interval) {
  sends_ = interval.count() != 0;
  for (Path& path : paths_) path.watch.every(count_of(interval), running_ns());
  look_timer_.cancel();
  if (sends_) look();
}

// --- canaries ---

void Canary::look_later() {
  Nanoseconds next = paths_.front().watch.next_look_ns();
  for (const Path& path : paths_) next = std::min(next, path.watch.next_look_ns());
  const Nanoseconds now = running_ns();
  look_timer_.expires_after(std::chrono::nanoseconds(next > now ? next - now : 0));
  look_timer_.async_wait([this](asio::error_code error) {
    if (error || !sends_) return;
    left_out_ns_ +=
        count_of(asio::steady_timer::clock_type::now() - look_timer_.expiry());
    look();
  });
}

void Canary::look() {
  for (Path& path : paths_) {
    path.watch.look(look_at(path), running_ns());
    if (path.watch.due()) send(path);
    tell(path);
  }
  look_later();
}

PathWatch::Look Canary::look_at(Path& path) {
  PathWatch::Look look;
  for (const std::uint64_t number : path.sent)
    ++(engine_.started(number) ? look.in_hand : look.in_line);
  exec::Activity activity = engine_.activity(path.path);
  look.busy = activity.busy;
  look.moved = activity.in_kernel || activity.waits_for_pipes ||
               moved(path.slots, activity.slots);
  path.slots = std::move(activity.slots);
  if (path.path == model::Path::Process) look.degraded = !engine_.degraded().empty();
  return look;
}

void Canary::send(Path& path) {
  path.watch.sent();
  Submission submission;
  submission.spec = known_job(path.path);
  submission.uid = kNobody;
  submission.received_ns = monotonic_ns();
  submission.canary = true;
  const auto trial = std::make_shared<Trial>(*this, path);
  const model::JobId id = engine_.submit(std::move(submission), trial);
  if (trial->open()) path.sent.push_back(id.number);  // else it was answered at once
}

void Canary::ended(Path& path, const Trial& trial, const model::JobAnswer& answer) {
  std::erase(path.sent, answer.id.number);
  if (answer.error) {
    path.watch.failed("a canary ended " + std::string(name_of(answer.state)) + ": " +
                      answer.error->message());
  } else if (std::string mistake = mistake_in(answer); !mistake.empty()) {
    path.watch.wrong(std::move(mistake));
  } else {
    path.watch.answered();
    path.last_ok_ns = monotonic_ns();
    path.latency_ns = *path.last_ok_ns - trial.sent_ns();
  }
  tell(path);
}

// --- what they found ---

std::vector<model::PathHealth> Canary::health() const {
  std::vector<model::PathHealth> all;
  const Nanoseconds now = monotonic_ns();
  for (const Path& path : paths_) {
    model::PathHealth health;
    health.path = path.path;
    health.state = path.watch.state();
    if (path.last_ok_ns) health.last_ok_ns = now - *path.last_ok_ns;
    health.latency_ns = path.latency_ns;
    health.message = path.watch.message();
    all.push_back(std::move(health));
  }
  return all;
}

void Canary::tell(Path& path) {
  const model::HealthState state = path.watch.state();
  const model::HealthState before = std::exchange(path.told, state);
  if (state == before || (!is_bad(state) && !is_bad(before))) return;
  const std::string message = path.watch.message();
  options_.log("canary: the " + std::string(name_of(path.path)) + " path is " +
               std::string(name_of(state)) + (message.empty() ? " again" : ": ") +
               message);
}

void Canary::feed_later(std::chrono::nanoseconds after) {
  feed_timer_.expires_after(after);
  feed_timer_.async_wait([this](asio::error_code error) {
    if (error) return;
    const auto dead = std::ranges::find_if_not(
        paths_, [](const Path& path) { return path.watch.is_alive(); });
    const bool feeds = dead == paths_.end();
    if (feeds) options_.watchdog->feed();
    if (std::exchange(feeds_, feeds) != feeds)
      options_.log(feeds ? "the watchdog is fed again"
                         : "the watchdog is not fed, because the " +
                               std::string(name_of(dead->path)) + " path is " +
                               std::string(name_of(dead->watch.state())) + ": " +
                               dead->watch.message());
    feed_later(options_.watchdog->every);
  });
}

}  // namespace tally::daemon

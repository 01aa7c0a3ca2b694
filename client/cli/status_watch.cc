#include "client/cli/status_watch.h"

#include <poll.h>
#include <signal.h>
#include <sys/signalfd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <charconv>
#include <optional>
#include <string>
#include <utility>

#include "client/answer_json.h"
#include "client/cli/output.h"
#include "client/cli/screen.h"
#include "client/cli/status_text.h"
#include "client/cli/table.h"
#include "config/quantity.h"
#include "ipc/base/clock.h"

namespace tally::cli {
namespace {

using std::chrono::nanoseconds;

constexpr std::chrono::seconds kPatience{10};
constexpr nanoseconds kShortest = std::chrono::milliseconds(100);
constexpr nanoseconds kLongest = std::chrono::hours(1);

// Signals as something to wait for, while it lives.
class WatchedSignals {
 public:
  static Result<WatchedSignals> watch() {
    WatchedSignals signals;
    sigset_t resize;
    sigset_t ending;
    ::sigemptyset(&resize);
    ::sigaddset(&resize, SIGWINCH);
    ::sigemptyset(&ending);
    for (const int number : {SIGINT, SIGTERM, SIGHUP}) ::sigaddset(&ending, number);
    ::pthread_sigmask(SIG_BLOCK, &resize, &signals.before_);
    ::pthread_sigmask(SIG_BLOCK, &ending, nullptr);
    signals.resize_.reset(::signalfd(-1, &resize, SFD_CLOEXEC | SFD_NONBLOCK));
    signals.ending_.reset(::signalfd(-1, &ending, SFD_CLOEXEC | SFD_NONBLOCK));
    if (!signals.resize_ || !signals.ending_) return Error::from_errno("signalfd");
    return signals;
  }
  WatchedSignals(WatchedSignals&&) = default;
  WatchedSignals& operator=(WatchedSignals&&) = delete;
  ~WatchedSignals() {
    if (!ending_) return;  // moved from
    (void)take(resize_.get());
    (void)take(ending_.get());
    ::pthread_sigmask(SIG_SETMASK, &before_, nullptr);
  }

  int resize_fd() const { return resize_.get(); }
  int ending_fd() const { return ending_.get(); }
  void take_resize() { (void)take(resize_.get()); }
  // The exit code that the signal asks for, if one came.
  std::optional<int> ended() {
    const std::uint32_t number = take(ending_.get());
    if (number == 0) return std::nullopt;
    return number == SIGINT ? 0 : 128 + static_cast<int>(number);
  }

 private:
  WatchedSignals() = default;
  // The last of those that came; 0: none did.
  static std::uint32_t take(int fd) {
    std::uint32_t number = 0;
    signalfd_siginfo info{};
    while (::read(fd, &info, sizeof info) == sizeof info) number = info.ssi_signo;
    return number;
  }

  sigset_t before_{};
  UniqueFd resize_;
  UniqueFd ending_;
};

std::string text_of_view(const model::ServerStatus& status, const std::string& rates) {
  Table table;
  table.add({"rates", rates});
  return text_of_daemon(status) + table.text() + "\n" + text_of_pool(status);
}

class Watch {
 public:
  Watch(client::Client& client, const WatchOptions& options, WatchedSignals& signals)
      : client_(client), options_(options), signals_(signals) {
    if (!options_.json && Screen::possible()) screen_.emplace();
  }

  Result<int> run() {
    for (std::uint64_t shown = 0;;) {
      const Nanoseconds asked_ns = monotonic_ns();
      Result<model::ServerStatus> status = ask_status(client_, signals_.ending_fd());
      if (const std::optional<int> code = signals_.ended()) return *code;
      if (!status) return std::move(status).error();
      show(*std::move(status));
      if (!flush_output()) return 1;
      if (++shown == options_.count) return 0;
      const auto every = static_cast<Nanoseconds>(options_.every.count());
      if (const std::optional<int> code = wait_until(asked_ns + every)) return *code;
    }
  }

 private:
  void show(model::ServerStatus status) {
    const std::string rates = last_ ? text_of_rates(*last_, status) : "-";
    text_ = text_of_view(status, rates);
    if (options_.json)
      print_line(client::server_status_to_json(status));
    else if (screen_)
      screen_->draw(text_);
    else
      print((last_ ? "\n" : "") + text_);
    last_ = std::move(status);
  }

  // The exit code where a signal ended the waiting. A daemon that goes away ends it
  // too: the next call tells of it.
  std::optional<int> wait_until(Nanoseconds due_ns) {
    for (;;) {
      const Nanoseconds now = monotonic_ns();
      if (now >= due_ns) return std::nullopt;
      std::array<pollfd, 3> fds{{{signals_.ending_fd(), POLLIN, 0},
                                 {signals_.resize_fd(), POLLIN, 0},
                                 {client_.fd(), POLLIN, 0}}};
      const auto left = std::chrono::ceil<std::chrono::milliseconds>(
          nanoseconds(static_cast<std::int64_t>(due_ns - now)));
      if (::poll(fds.data(), fds.size(), static_cast<int>(left.count())) <= 0) continue;
      if (const std::optional<int> code = signals_.ended()) return code;
      if (fds[1].revents != 0) {
        signals_.take_resize();
        if (screen_) screen_->draw(text_);
      }
      if (fds[2].revents != 0) return std::nullopt;
    }
  }

  client::Client& client_;
  const WatchOptions& options_;
  WatchedSignals& signals_;
  std::optional<Screen> screen_;
  std::optional<model::ServerStatus> last_;
  std::string text_;  // what is on the screen
};

}  // namespace

Result<model::ServerStatus> ask_status(client::Client& client, int interrupt_fd) {
  Result<model::Reply> reply =
      client.call(model::GetServerStatus{}, {}, kPatience, interrupt_fd);
  if (!reply) return std::move(reply).error();
  auto* const status = std::get_if<model::ServerStatus>(&*reply);
  if (status == nullptr)
    return Error(Errc::ProtocolViolation, "the daemon answered no status");
  return std::move(*status);
}

Result<nanoseconds> parse_interval(std::string_view text) {
  std::optional<nanoseconds> interval;
  double seconds = 0;
  const char* const end = text.data() + text.size();
  const auto parsed =
      std::from_chars(text.data(), end, seconds, std::chars_format::fixed);
  if (parsed.ec == std::errc() && parsed.ptr == end) {
    // Compared before it is converted: it may be any number.
    if (seconds >= 0 && seconds <= 1e6)
      interval = nanoseconds(static_cast<std::int64_t>(seconds * 1e9));
  } else if (const Result<nanoseconds> duration = config::parse_duration(text)) {
    interval = *duration;
  }
  if (interval && *interval >= kShortest && *interval <= kLongest) return *interval;
  return Error(Errc::InvalidArgument, "bad_option",
               "--watch \"" + std::string(text) +
                   "\": expected seconds (2, 0.5) or a duration (500ms, 1min), from "
                   "0.1 s to 1 h");
}

Result<int> watch_status(client::Client& client, const WatchOptions& options) {
  Result<WatchedSignals> signals = WatchedSignals::watch();
  if (!signals) return std::move(signals).error();
  return Watch(client, options, *signals).run();
}

}  // namespace tally::cli

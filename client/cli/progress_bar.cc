#include "client/cli/progress_bar.h"

#include <algorithm>
#include <cstdio>

#include "client/cli/terminal.h"
#include "client/cli/units.h"

namespace tally::cli {
namespace {

constexpr Nanoseconds kPatience_ns = 500'000'000;
constexpr Nanoseconds kRedraw_ns = 100'000'000;
constexpr std::size_t kBarColumns = 30;

// How much there is to come, a stream does not say.
std::string text_of_stream(const model::JobProgress& progress, Nanoseconds elapsed_ns) {
  if (progress.done == 0) return "waiting for input";
  return (progress.in_bytes ? text_of_bytes(progress.done)
                            : text_of_number(progress.done, "element")) +
         " read  " + text_of_rate(progress.done, elapsed_ns, progress.in_bytes);
}

}  // namespace

ProgressBar::ProgressBar(bool wanted)
    : enabled_(wanted && is_terminal(stderr)), started_ns_(monotonic_ns()) {}

void ProgressBar::update(const model::JobProgress& progress) {
  const Nanoseconds now = monotonic_ns();
  const Nanoseconds elapsed = now - started_ns_;
  if (!enabled_ || elapsed < kPatience_ns) return;
  if (visible_ && now - drawn_ns_ < kRedraw_ns) return;
  std::fprintf(stderr, "\r\x1b[K%s", text_of_progress(progress, elapsed).c_str());
  std::fflush(stderr);
  drawn_ns_ = now;
  visible_ = true;
}

void ProgressBar::clear() {
  if (!visible_) return;
  std::fputs("\r\x1b[K", stderr);
  std::fflush(stderr);
  visible_ = false;
}

std::string text_of_progress(const model::JobProgress& progress,
                             Nanoseconds elapsed_ns) {
  if (progress.total == 0) return text_of_stream(progress, elapsed_ns);
  const double done = std::min(
      1.0, static_cast<double>(progress.done) / static_cast<double>(progress.total));
  const auto filled = static_cast<std::size_t>(done * kBarColumns);
  std::string bar(filled, '=');
  if (filled < kBarColumns) bar += '>';
  bar.resize(kBarColumns, ' ');
  char percent[8];
  std::snprintf(percent, sizeof percent, "%3d %%", static_cast<int>(done * 100));
  std::string text = "[" + bar + "] " + percent;
  if (done == 0.0) return text;
  text += "  " + text_of_rate(progress.done, elapsed_ns, progress.in_bytes);
  const double left = static_cast<double>(elapsed_ns) * (1.0 - done) / done;
  // Beyond a thousand years there is nothing to tell, and no integer to hold it.
  if (left < 3e19 && left < 9e18)
    text += "  " + text_of_time(static_cast<Nanoseconds>(left)) + " left";
  return text;
}

}  // namespace tally::cli

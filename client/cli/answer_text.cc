#include "client/cli/answer_text.h"

#include <algorithm>
#include <array>
#include <string_view>

#include "client/cli/table.h"
#include "client/cli/terminal.h"
#include "client/cli/units.h"
#include "client/cli/value_text.h"

namespace tally::cli {
namespace {

std::string text_of_elements(const model::ElementCounts& elements) {
  std::string text = text_of_number(elements.seen, "element");
  if (elements.missing != 0)
    text += " (" + text_of_count(elements.missing) + " missing)";
  if (elements.filtered != 0)
    text += " (" + text_of_count(elements.filtered) + " NaN skipped)";
  return text;
}

std::string text_of_place(const model::JobAnswer& answer) {
  const std::string path(model::name_of(answer.path));
  std::string text = path + " path";
  if (!answer.reason.empty()) text += " (" + printable(answer.reason) + ")";
  if (answer.path == model::Path::Inline) return text;
  const char* const runner = answer.path == model::Path::Thread ? "thread" : "worker";
  return text + ", " + text_of_number(answer.workers, runner);
}

// As many marks as the fullest bin's count is to this one's, in eighths of one.
std::string bar_of(std::uint64_t count, std::uint64_t most) {
  constexpr std::array<std::string_view, 8> kParts{"",  "▏", "▎", "▍",
                                                   "▌", "▋", "▊", "▉"};
  constexpr double kWidth = 40;
  if (count == 0) return "";
  const double share = static_cast<double>(count) / static_cast<double>(most);
  // What there is shows, however little.
  const auto eighths = std::max(static_cast<std::size_t>(share * kWidth * 8), 1UL);
  std::string bar;
  for (std::size_t whole = 0; whole < eighths / 8; ++whole) bar += "█";
  return bar.append(kParts[eighths % 8]);
}

// A line a bin: from, to, how many.
std::string text_of_bins(const model::Histogram& histogram) {
  const std::uint64_t most = std::ranges::max(histogram.counts);
  Table table;
  for (std::size_t i = 0; i < histogram.counts.size(); ++i) {
    const bool last = i + 1 == histogram.counts.size();
    table.add({"  [" + text_of_float(histogram.edges[i]) + ",",
               text_of_float(histogram.edges[i + 1]) + (last ? "]" : ")"),
               std::to_string(histogram.counts[i]), bar_of(histogram.counts[i], most)});
  }
  return table.text();
}

}  // namespace

bool has_several_files(const model::JobSpec& spec) {
  const auto* const files = std::get_if<model::FilesSource>(&spec.source);
  return files != nullptr && files->files.size() > 1;
}

std::string text_of_result(const model::JobAnswer& answer,
                           const model::ReducerResult& result, bool name_files) {
  const std::string text = text_of_result(result, name_files);
  return answer.state == model::JobState::Partial ? text + " (partial)" : text;
}

std::string text_of_results(const model::JobAnswer& answer, bool name_files) {
  Table table;
  std::string histograms;
  for (const model::ReducerResult& result : answer.results) {
    table.add({printable(result.label), text_of_result(answer, result, name_files)});
    if (const auto* histogram = std::get_if<model::Histogram>(&result.value))
      histograms += "\n" + printable(result.label) + "\n" + text_of_bins(*histogram);
  }
  return table.text() + histograms;
}

std::string text_of_stop(const model::Stopped& stopped) {
  const std::string after = " after " + text_of_time(stopped.took_ns);
  switch (stopped.how) {
    case model::StopMeans::NotStarted: return "nothing of it had begun";
    case model::StopMeans::Cooperative: return "by itself" + after;
    case model::StopMeans::Sigterm: return "a worker by SIGTERM" + after;
    case model::StopMeans::Sigkill: return "a worker by SIGKILL" + after;
    case model::StopMeans::LeftBehind: return "not: something of it still ran" + after;
  }
  return "";
}

std::string text_of_summary(const model::JobAnswer& answer, std::uint64_t wall_ns) {
  std::string text = text_of_elements(answer.elements) + " in " + text_of_time(wall_ns);
  const std::string rate = text_of_rate(answer.elements.seen, wall_ns, false);
  if (answer.elements.seen != 0 && !rate.empty()) text += ", " + rate;
  text += ", " + text_of_place(answer);
  if (answer.retries != 0)
    text += ", " + text_of_count(answer.retries) +
            (answer.retries == 1 ? " retry" : " retries");
  return text;
}

}  // namespace tally::cli

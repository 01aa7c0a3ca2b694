#include "client/cli/answer_text.h"

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
  for (const model::ReducerResult& result : answer.results)
    table.add({printable(result.label), text_of_result(answer, result, name_files)});
  return table.text();
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

#include "client/cli/answer_output.h"

#include <algorithm>
#include <cstdio>
#include <variant>

#include "client/answer_json.h"
#include "client/cli/answer_text.h"
#include "client/cli/output.h"
#include "client/cli/report_text.h"
#include "client/cli/status_watch.h"
#include "client/cli/terminal.h"
#include "client/cli/value_text.h"

namespace tally::cli {
namespace {

// A value a line: of a histogram the counts.
std::string quiet_text(const model::JobAnswer& answer,
                       const model::ReducerResult& result, bool name_files) {
  const auto* histogram = std::get_if<model::Histogram>(&result.value);
  if (histogram == nullptr) return text_of_result(answer, result, name_files);
  std::string counts;
  for (const std::uint64_t count : histogram->counts)
    counts += (counts.empty() ? "" : " ") + std::to_string(count);
  return counts;
}

void print_values(const model::JobAnswer& answer, bool name_files) {
  for (const model::ReducerResult& result : answer.results)
    print_line(result.error ? "" : quiet_text(answer, result, name_files));
}

}  // namespace

void print_answer(const model::JobAnswer& answer, const Args& args,
                  const AnswerView& view) {
  if (args.has(Option::Json)) {
    print_line(client::answer_to_json(answer, view.transport_ns));
  } else if (!answer.error && args.has(Option::Quiet)) {
    print_values(answer, view.name_files);
  } else if (!answer.error) {
    print(text_of_results(answer, view.name_files));
    print_line(dim(text_of_summary(answer, view.wall_ns), stdout));
  }
}

void explain_answer(const model::JobAnswer& answer,
                    const std::optional<std::uint64_t>& transport_ns,
                    client::Client& client) {
  model::JobAnswer explained = answer;
  if (answer.path == model::Path::Process && !answer.memory.workers_pss_bytes)
    if (const Result<model::ServerStatus> status = ask_status(client))
      explained.memory.workers_pss_bytes = status->workers_pss_bytes;
  std::fflush(stdout);  // one terminal may show both
  std::fputs(dim(text_of_report(explained, transport_ns), stderr).c_str(), stderr);
}

void tell_of_missing_ranges(const model::JobAnswer& answer) {
  for (const model::MissingRange& range : answer.missing) {
    const std::string where = std::string(range.in_bytes ? "bytes " : "elements ") +
                              std::to_string(range.begin) + " to " +
                              std::to_string(std::max(range.end, range.begin + 1) - 1) +
                              (range.file ? " of " + printable(*range.file) : "");
    print_error(Error(range.error).within("not covered: " + where));
  }
}

void tell_of_missing_values(const model::JobAnswer& answer, const Args& args) {
  const bool table = !args.has(Option::Json) && !args.has(Option::Quiet);
  if (table && is_terminal(stdout)) return;
  for (const model::ReducerResult& result : answer.results)
    if (result.error) print_error(Error(*result.error).within(result.label));
}

}  // namespace tally::cli

// tally explain: what a job would do.
#include <algorithm>

#include "client/answer_json.h"
#include "client/cli/command.h"
#include "client/cli/daemon_link.h"
#include "client/cli/job_help.h"
#include "client/cli/job_request.h"
#include "client/cli/output.h"
#include "client/cli/table.h"
#include "client/cli/terminal.h"
#include "client/cli/units.h"

namespace tally::cli {
namespace {

bool sums_a_range(const model::JobSpec& spec) {
  return std::holds_alternative<model::RangeSource>(spec.source) &&
         std::ranges::any_of(spec.reducers,
                             [](const auto& reducer) { return reducer.name == "sum"; });
}

bool counts_bytes(const model::JobSpec& spec) {
  const auto* const files = std::get_if<model::FilesSource>(&spec.source);
  return files != nullptr && (files->format == model::FileFormat::Csv ||
                              files->format == model::FileFormat::Text);
}

// What it was measured on is said with it: a forecast, no promise.
std::string expected_time(const model::JobPlan& plan, bool in_bytes) {
  if (!plan.expected_ns) return "not known: there was nothing to measure";
  return "about " + text_of_time(*plan.expected_ns) + ", by the first " +
         (in_bytes ? text_of_bytes(plan.measured_extent)
                   : text_of_number(plan.measured_extent, "element"));
}

std::string text_of_plan(const model::JobPlan& plan, const model::JobSpec& spec) {
  const std::string chunk_size = counts_bytes(spec)
                                     ? text_of_bytes(plan.chunk_size)
                                     : text_of_number(plan.chunk_size, "element");
  Table table;
  table.add({"path", std::string(model::name_of(plan.path))});
  table.add({"why", printable(plan.reason)});
  table.add({"workers", text_of_count(plan.workers)});
  table.add({"chunks", text_of_count(plan.chunks) + " of up to " + chunk_size});
  table.add({"leaves", text_of_count(plan.leaves)});
  table.add({"elements", plan.elements_known ? text_of_count(plan.elements)
                                             : "not known before they are read"});
  table.add({"input", text_of_bytes(plan.input_bytes)});
  table.add({"expected", expected_time(plan, counts_bytes(spec))});
  if (sums_a_range(spec))
    table.add({"note",
               "the sum of a range has a closed form, count * (first + last) / "
               "2; tally visits every element"});
  return table.text();
}

Result<int> run(const Args& args) {
  Result<JobRequest> request = build_job(args);
  if (!request) return request.error();
  Result<DaemonLink> link = DaemonLink::open(args, true);
  if (!link) return link.error();
  const Result<model::Reply> reply = link->client().call(
      model::Explain{request->spec}, request->descriptors(), {}, -1, request->opener());
  if (!reply) return reply.error();
  const auto* const plan = std::get_if<model::JobPlan>(&*reply);
  if (plan == nullptr)
    return Error(Errc::ProtocolViolation, "the daemon answered no plan");
  if (args.has(Option::Json)) {
    print_line(client::plan_to_json(*plan));
  } else {
    print(text_of_plan(*plan, request->spec));
  }
  return 0;
}

}  // namespace

const Command kExplainCommand{
    "explain",
    "REDUCERS SOURCE",
    "show the plan of a job and the time to expect",
    "Shows what a job would do: its path and why, workers, chunks, leaves (the units "
    "of\n"
    "the reduction tree), elements, bytes and the time to expect. Files are opened "
    "and\n"
    "their first leaves reduced, a few milliseconds of work, to measure what they "
    "cost.\n\n" TALLY_JOB_HELP,
    "  tally explain sum --range 0:500_000_000\n"
    "  tally explain mean:temp_max weather.csv --hint io --json\n",
    OptionSet{kJobOptions, DaemonLink::kOptions, OptionSet{Option::Json, Option::Help}},
    run};

}  // namespace tally::cli

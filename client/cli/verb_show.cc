// tally show: how a submitted job stands, without waiting for it.
#include <chrono>

#include "client/answer_json.h"
#include "client/cli/answer_output.h"
#include "client/cli/answer_text.h"
#include "client/cli/command.h"
#include "client/cli/daemon_link.h"
#include "client/cli/job_id_arg.h"
#include "client/cli/output.h"
#include "client/cli/table.h"
#include "client/cli/terminal.h"
#include "client/cli/units.h"
#include "ipc/model/job_id.h"

namespace tally::cli {
namespace {

constexpr std::chrono::seconds kPatience{10};

bool has_ended(const model::JobAnswer& answer) {
  return answer.state != model::JobState::Queued &&
         answer.state != model::JobState::Running;
}

std::string chunks_line(const model::JobAnswer& answer) {
  std::uint64_t done = 0;
  for (const model::WorkerUsage& usage : answer.worker_usage) done += usage.chunks;
  return text_of_count(done) + " of " + text_of_count(answer.chunks) + " done";
}

std::string text_of_job(const model::JobAnswer& answer) {
  Table table;
  table.add({"job", model::to_string(answer.id)});
  table.add({"state", std::string(model::name_of(answer.state))});
  if (answer.error) table.add({"error", printable(answer.error->message())});
  if (answer.stopped) table.add({"stopped", text_of_stop(*answer.stopped)});
  if (!has_ended(answer) && answer.chunks != 0) {
    table.add({"path", std::string(model::name_of(answer.path)) + " (" +
                           printable(answer.reason) + ")"});
    table.add({"chunks", chunks_line(answer)});
  }
  std::string text = table.text();
  if (answer.results.empty()) return text;
  text += "\n" + text_of_results(answer, true);
  return text + dim(text_of_summary(answer, answer.time.total_ns), stdout) + "\n";
}

Result<int> run(const Args& args) {
  const Result<model::JobRef> job = job_of(args);
  if (!job) return job.error();
  Result<DaemonLink> link = DaemonLink::open(args, false);
  if (!link) return link.error();
  const Result<model::Reply> reply =
      link->client().call(model::Status{*job}, {}, kPatience);
  if (!reply) return reply.error();
  const auto* const answer = std::get_if<model::JobAnswer>(&*reply);
  if (answer == nullptr)
    return Error(Errc::ProtocolViolation, "the daemon answered no job");
  if (args.has(Option::Json)) {
    print_line(client::answer_to_json(*answer, std::nullopt));
  } else {
    print(text_of_job(*answer));
    tell_of_missing_ranges(*answer);
  }
  return 0;
}

}  // namespace

const Command kShowCommand{
    "show",
    "ID",
    "show how a submitted job stands",
    "Shows a job's state and, once it has ended, its result or its error, without\n"
    "waiting. The exit code is 0 whatever became of the job; 'tally wait' has its "
    "own.\n",
    "  tally show 7f3a-17\n"
    "  tally show 7f3a91c2004be810-17 --json\n",
    OptionSet{Option::Json, Option::Socket, Option::Help},
    run};

}  // namespace tally::cli

// tally jobs: the jobs of this user that a daemon holds.
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <string>
#include <utility>
#include <vector>

#include "client/answer_json.h"
#include "client/cli/command.h"
#include "client/cli/daemon_link.h"
#include "client/cli/output.h"
#include "client/cli/table.h"
#include "client/cli/terminal.h"
#include "client/cli/units.h"
#include "ipc/model/job_id.h"

namespace tally::cli {
namespace {

constexpr std::chrono::seconds kPatience{10};

using Jobs = std::vector<model::JobSummary>;

std::string text_of_jobs(const Jobs& jobs) {
  // An administrator sees the jobs of others too.
  const bool others =
      std::ranges::any_of(jobs, [](const auto& job) { return job.uid != ::geteuid(); });
  Table table;
  std::vector<std::string> head{"job", "state", "path", "chunks", "age", "reducers"};
  if (others) head.insert(head.begin() + 1, "uid");
  table.add(std::move(head));
  for (const model::JobSummary& job : jobs) {
    std::vector<std::string> row{
        model::short_name(job.id),
        std::string(model::name_of(job.state)),
        std::string(model::name_of(job.path)),
        text_of_count(job.chunks_done) + "/" + text_of_count(job.chunks),
        text_of_time(job.age_ns),
        job.reducers.empty() ? "-" : printable(job.reducers)};
    if (others) row.insert(row.begin() + 1, std::to_string(job.uid));
    table.add(std::move(row));
  }
  return table.text();
}

Result<int> run(const Args& args) {
  Result<DaemonLink> link = DaemonLink::open(args, false);
  if (!link) return link.error();
  const Result<model::Reply> reply = link->client().call(model::List{}, {}, kPatience);
  if (!reply) return reply.error();
  const auto* const jobs = std::get_if<Jobs>(&*reply);
  if (jobs == nullptr)
    return Error(Errc::ProtocolViolation, "the daemon answered no list of jobs");
  if (args.has(Option::Json)) {
    print_line(client::jobs_to_json(*jobs));
  } else {
    print(text_of_jobs(*jobs));
  }
  return 0;
}

}  // namespace

const Command kJobsCommand{
    "jobs",
    "",
    "list your jobs: queued, running, kept",
    "Lists the jobs of yours that the daemon holds: those queued and running, and\n"
    "submitted ones that have ended and are still kept. Administrators see the jobs "
    "of\n"
    "all users.\n",
    "  tally jobs\n"
    "  tally jobs --json\n",
    OptionSet{Option::Json, Option::Socket, Option::Help},
    run};

}  // namespace tally::cli

// tally submit: leave a job with the daemon and print its id.
#include "client/cli/command.h"
#include "client/cli/daemon_link.h"
#include "client/cli/job_help.h"
#include "client/cli/job_request.h"
#include "client/cli/output.h"
#include "client/json_writer.h"
#include "ipc/model/job_id.h"

namespace tally::cli {
namespace {

std::string json_of(model::JobId id) {
  client::JsonWriter json;
  json.begin_object();
  json.field("job", model::to_string(id)).field("short", model::short_name(id));
  return json.end_object().take();
}

Result<int> run(const Args& args) {
  Result<JobRequest> request = build_job(args);
  if (!request) return request.error();
  request->spec.detached = true;
  if (!request->pumps.empty())
    return Error(Errc::InvalidArgument, "no_stream",
                 "submit does not stay to read from a terminal, a device or a socket; "
                 "use run, or put a pipe between: cat | tally submit");
  Result<DaemonLink> link = DaemonLink::open(args, false);
  if (!link) return link.error();
  client::Client& client = link->client();
  const Result<client::Ticket> ticket =
      client.submit(request->spec, request->descriptors(), model::ReplyWhen::Accepted);
  if (!ticket) return ticket.error();
  const Result<model::Reply> reply = client.wait(*ticket);
  if (!reply) return reply.error();
  const auto* const accepted = std::get_if<model::Accepted>(&*reply);
  if (accepted == nullptr)
    return Error(Errc::ProtocolViolation, "the daemon answered no job's id");
  print_line(args.has(Option::Json) ? json_of(accepted->id)
                                    : model::to_string(accepted->id));
  return 0;
}

}  // namespace

const Command kSubmitCommand{
    "submit",
    "REDUCERS SOURCE",
    "leave a job with the daemon and print its id",
    "Submits a job that runs on when this command has ended, and prints its id. The\n"
    "daemon keeps the result for 'tally wait' and 'tally show', for as many jobs and "
    "as\n"
    "long as [limits] finished_jobs and finished_age say; it does not outlive the\n"
    "daemon. --timeout bounds the job, not this command.\n\n" TALLY_JOB_HELP,
    "  id=$(tally submit mean:temp_max weather.csv)\n"
    "  tally wait \"$id\"\n"
    "  tally submit sum --range 0:5e12 --timeout 1h --json\n",
    OptionSet{kJobOptions, OptionSet{Option::Socket, Option::Json, Option::Help}},
    run};

}  // namespace tally::cli

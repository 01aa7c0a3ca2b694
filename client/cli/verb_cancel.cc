// tally cancel: end a job that is queued or running.
#include <chrono>

#include "client/cli/command.h"
#include "client/cli/daemon_link.h"
#include "client/cli/job_id_arg.h"
#include "client/cli/output.h"
#include "client/json_writer.h"

namespace tally::cli {
namespace {

constexpr std::chrono::seconds kPatience{10};

Result<int> run(const Args& args) {
  const Result<model::JobRef> job = job_of(args);
  if (!job) return job.error();
  Result<DaemonLink> link = DaemonLink::open(args, false);
  if (!link) return link.error();
  const Result<model::Reply> reply =
      link->client().call(model::Cancel{*job}, {}, kPatience);
  if (!reply) return reply.error();
  if (args.has(Option::Json)) {
    client::JsonWriter json;
    json.begin_object().field("job", args.operands[0]).key("cancelled").boolean(true);
    print_line(json.end_object().take());
  }
  return 0;
}

}  // namespace

const Command kCancelCommand{"cancel",
                             "ID",
                             "end a job that is queued or running",
                             "Ends a job; whoever waits for it hears that it was "
                             "cancelled (exit code 6). A job\n"
                             "that has ended already is an error, no_such_job.\n",
                             "  tally cancel 7f3a-17\n",
                             OptionSet{Option::Json, Option::Socket, Option::Help},
                             run};

}  // namespace tally::cli

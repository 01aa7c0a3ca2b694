// tally wait: wait for a submitted job and print its result as run does.
#include <chrono>

#include "client/cli/answer_output.h"
#include "client/cli/command.h"
#include "client/cli/daemon_link.h"
#include "client/cli/interrupt.h"
#include "client/cli/job_id_arg.h"
#include "client/cli/job_runner.h"
#include "client/cli/output.h"
#include "config/quantity.h"

namespace tally::cli {
namespace {

using std::chrono::nanoseconds;

// 0: no limit.
Result<nanoseconds> patience_of(const Args& args) {
  const std::optional<std::string_view> text = args.value(Option::Timeout);
  if (!text) return nanoseconds(0);
  Result<nanoseconds> patience = config::parse_duration(*text);
  if (!patience) return std::move(patience).error().within("--timeout");
  if (patience->count() == 0)
    return Error(Errc::InvalidArgument, "bad_option",
                 "--timeout 0 leaves no time; 'tally show' asks without waiting");
  return patience;
}

// The daemon's errors stay; those of this side's waiting say that the job goes on.
Error told(const Error& error, const std::string& id) {
  if (error.code() == "interrupted")
    return Error(Errc::Cancelled, "interrupted", "interrupted; the job goes on");
  if (error.errc() == Errc::DeadlineExceeded)
    return Error(Errc::DeadlineExceeded, "wait_timeout",
                 "job " + id + " has not ended within --timeout; it goes on");
  return error;
}

Result<int> run(const Args& args) {
  const Result<model::JobRef> job = job_of(args);
  if (!job) return job.error();
  const Result<nanoseconds> patience = patience_of(args);
  if (!patience) return patience.error();
  const HeldInterrupt held;
  Result<Interrupt> interrupt = Interrupt::watch();
  if (!interrupt) return interrupt.error();
  Result<DaemonLink> link = DaemonLink::open(args, false);
  if (!link) return link.error();
  const Result<model::Reply> reply =
      link->client().call(model::Wait{*job}, {}, *patience, interrupt->fd());
  if (!reply) {
    const Error why = told(reply.error(), args.operands[0]);
    if (why.code() != "interrupted") return why;
    report(why, args.has(Option::Json));
    return kInterruptedExit;
  }
  const auto* const answer = std::get_if<model::JobAnswer>(&*reply);
  if (answer == nullptr)
    return Error(Errc::ProtocolViolation, "the daemon answered no job");
  // Who waits may not know the files, so they are named; no wall time is his own.
  print_answer(*answer, args, {answer->time.total_ns, std::nullopt, true});
  if (args.has(Option::Verbose)) explain_answer(*answer, std::nullopt, link->client());
  if (answer->error) print_error(*answer->error);
  tell_of_missing_ranges(*answer);
  tell_of_missing_values(*answer, args);
  return exit_code_of(*answer);
}

}  // namespace

const Command kWaitCommand{
    "wait",
    "ID",
    "wait for a submitted job and print its result",
    "Waits until the job has ended and prints its result as 'tally run' does, with "
    "the\n"
    "same exit codes. Ctrl-C and --timeout end the waiting, not the job. The ID is "
    "what\n"
    "'tally submit' printed, in full or with its tag cut short: 7f3a-17.\n",
    "  tally wait 7f3a91c2004be810-17\n"
    "  tally wait 7f3a-17 --timeout 30s --json\n",
    OptionSet{Option::Timeout, Option::Json, Option::Quiet, Option::Verbose,
              Option::Socket, Option::Help},
    run};

}  // namespace tally::cli

// tally compare: one job with one thread, N threads and N processes.
#include <algorithm>
#include <cstdio>

#include "client/cli/command.h"
#include "client/cli/comparison.h"
#include "client/cli/daemon_link.h"
#include "client/cli/job_help.h"
#include "client/cli/job_request.h"
#include "client/cli/output.h"

namespace tally::cli {
namespace {

// As many as --workers says, else as the pool has.
Result<std::uint32_t> compared_workers(client::Client& client,
                                       const model::JobSpec& spec) {
  if (spec.workers != 0) return spec.workers;
  Result<model::Reply> reply = client.call(model::GetServerStatus{});
  if (!reply) return std::move(reply).error();
  const auto* const status = std::get_if<model::ServerStatus>(&*reply);
  if (status == nullptr)
    return Error(Errc::ProtocolViolation, "the daemon answered no status");
  return std::max(1U, static_cast<std::uint32_t>(status->workers.size()));
}

int show_interruption(bool json) {
  report(interruption(), json);
  return kInterruptedExit;
}

int show(const Comparison& comparison, bool json) {
  if (comparison.interrupted) return show_interruption(json);
  print(json ? json_of_comparison(comparison) + "\n" : text_of_comparison(comparison));
  if (!comparison.same_bits) {
    std::fputs("tally: the ways gave different results: a bug; please report it\n",
               stderr);
    return 1;
  }
  return exit_code_of(comparison.ways.front().median.answer);
}

Result<int> run(const Args& args) {
  Result<JobRequest> request = build_job(args);
  if (!request) return request.error();
  if (request->streams)
    return Error(Errc::InvalidArgument, "no_stream",
                 "compare runs a job several times, but a pipe can be read only once; "
                 "save the input to a file first");
  Result<DaemonLink> link = DaemonLink::open(args, true);
  if (!link) return link.error();
  const Result<std::uint32_t> workers = compared_workers(link->client(), request->spec);
  if (!workers) return workers.error();
  const HeldInterrupt held;
  Result<Interrupt> interrupt = Interrupt::watch();
  if (!interrupt) return interrupt.error();
  const Result<Comparison> comparison =
      compare(link->client(), plan_ways(request->spec, *workers),
              request->descriptors(), *interrupt, true, request->opener());
  if (comparison) return show(*comparison, args.has(Option::Json));
  if (comparison.error().code() == "interrupted")
    return show_interruption(args.has(Option::Json));
  return comparison.error();
}

constexpr OptionSet kChosenByCompare{Option::OnFailure, Option::Hint, Option::Path,
                                     Option::Require};

}  // namespace

const Command kCompareCommand{
    "compare",
    "REDUCERS SOURCE",
    "run a job with one thread, N threads and N processes",
    "Runs the same job with one thread, with N threads and with N processes, where N "
    "is\n"
    "the size of the pool or --workers: a round to warm up, then three rounds, of "
    "which\n"
    "the median time counts. Says what each way costs, whether all results have the\n"
    "same bits (exit code 1 if they do not) and whether parallel "
    "helped.\n\n" TALLY_JOB_HELP,
    "  tally compare sum --range 0:500_000_000\n"
    "  tally compare mean,min,max array.npy --json\n",
    OptionSet{kJobOptions.without(kChosenByCompare), DaemonLink::kOptions,
              OptionSet{Option::Json, Option::Help}},
    run};

}  // namespace tally::cli

// tally run: submit a job, show progress, print the result.
#include <cstdio>
#include <optional>
#include <string>

#include "client/answer_json.h"
#include "client/cli/answer_output.h"
#include "client/cli/answer_text.h"
#include "client/cli/command.h"
#include "client/cli/daemon_link.h"
#include "client/cli/job_help.h"
#include "client/cli/job_request.h"
#include "client/cli/job_runner.h"
#include "client/cli/output.h"
#include "client/cli/trace_file.h"

namespace tally::cli {
namespace {

int show(const FinishedJob& job, const Args& args, bool name_files,
         client::Client& client) {
  const model::JobAnswer& answer = job.answer;
  const std::uint64_t transport =
      client::transport_of(job.wall_ns, answer.time.total_ns);
  print_answer(answer, args, {job.wall_ns, transport, name_files});
  if (args.has(Option::Verbose)) explain_answer(answer, transport, client);
  if (job.interrupted) {
    print_error(interruption());
    return kInterruptedExit;
  }
  if (answer.error) print_error(*answer.error);
  tell_of_missing_ranges(answer);
  tell_of_missing_values(answer, args);
  return exit_code_of(answer);
}

// The result is printed by now and stays.
int write_trace(TraceFile& trace, const model::JobAnswer& answer, int exit_code) {
  std::fflush(stdout);
  const Result<void> written = trace.write(answer);
  if (written) return exit_code;
  print_error(written.error());
  return exit_code == 0 ? 1 : exit_code;
}

Result<std::optional<TraceFile>> open_trace(const Args& args, JobRequest& request) {
  const std::optional<std::string_view> path = args.value(Option::Trace);
  if (!path) return std::optional<TraceFile>();
  request.spec.trace = true;
  Result<TraceFile> trace =
      TraceFile::open(std::string(*path), request.descriptors(),
                      [&request](int file) { return request.reads(file); });
  if (!trace) return std::move(trace).error();
  return std::optional<TraceFile>(*std::move(trace));
}

Result<int> run(const Args& args) {
  Result<JobRequest> request = build_job(args);
  if (!request) return request.error();
  Result<std::optional<TraceFile>> trace = open_trace(args, *request);
  if (!trace) return trace.error();
  Result<DaemonLink> link = DaemonLink::open(args, true);
  if (!link) return link.error();
  const HeldInterrupt held;
  Result<Interrupt> interrupt = Interrupt::watch();
  if (!interrupt) return interrupt.error();
  // A bar would write over what is typed.
  ProgressBar progress(!args.has(Option::Quiet) && !request->terminal);
  if (request->terminal && !args.has(Option::Quiet))
    std::fputs("tally: reads from the terminal; Ctrl-D ends the input\n", stderr);
  request->start_pumps();
  const Result<FinishedJob> job =
      run_job(link->client(), request->spec, request->descriptors(), *interrupt,
              progress, request->opener());
  if (const Result<void> read = request->pumped(); job && !job->interrupted && !read)
    return read.error();
  if (job) {
    const int exit_code =
        show(*job, args, has_several_files(request->spec), link->client());
    return *trace ? write_trace(**trace, job->answer, exit_code) : exit_code;
  }
  if (job.error().code() != "interrupted") return job.error();
  report(interruption(), args.has(Option::Json));
  return kInterruptedExit;
}

}  // namespace

const Command kRunCommand{
    "run",
    "REDUCERS SOURCE",
    "reduce a source and print the result",
    "Submits a job, shows its progress and prints the result, which is exact: the "
    "same\n"
    "bits on any path, with any number of workers. Ctrl-C cancels the job.\n"
    "\n"
    "--verbose says on stderr, in words, where time and memory went. --trace writes "
    "when\n"
    "which worker had which chunk, for ui.perfetto.dev; a file that cannot be opened "
    "is\n"
    "exit code 2 and no job, one that cannot be written to its end is exit code 1.\n"
    "\n" TALLY_JOB_HELP,
    "  tally run sum --range 0:500_000_000\n"
    "  tally run count,mean:temp_max,max:temp_max weather.csv\n"
    "  tally run min,max,argmax array.npy --json\n"
    "  tally run mean:3=rain data.tsv --missing skip --quiet\n"
    "  tally run sum --range 0:5e9 --verbose --trace sum.trace.json\n"
    "  zcat weather.csv.gz | tally run mean:temp_max -\n"
    "  seq 1000000 | tally run sum,mean -\n"
    "  tally run sum samples.raw --dtype f32 --path process --workers 2\n",
    OptionSet{kJobOptions, DaemonLink::kOptions,
              OptionSet{Option::Json, Option::Quiet, Option::Verbose, Option::Trace,
                        Option::Help}},
    run};

}  // namespace tally::cli

// tally status: the daemon's pool, queue, memory and configuration.
#include "client/answer_json.h"
#include "client/cli/command.h"
#include "client/cli/daemon_link.h"
#include "client/cli/health_text.h"
#include "client/cli/number_arg.h"
#include "client/cli/output.h"
#include "client/cli/status_metrics.h"
#include "client/cli/status_text.h"
#include "client/cli/status_watch.h"

namespace tally::cli {
namespace {

Result<void> check_options(const Args& args) {
  const auto exclude = [&args](Option one, Option other) -> Result<void> {
    if (!args.has(one) || !args.has(other)) return {};
    return Error(Errc::InvalidArgument, "bad_option",
                 std::string(info_of(one).name) + " and " +
                     std::string(info_of(other).name) + " exclude each other");
  };
  if (Result<void> good = exclude(Option::Prometheus, Option::Json); !good) return good;
  if (Result<void> good = exclude(Option::Prometheus, Option::Watch); !good)
    return good;
  for (const Option other : {Option::Prometheus, Option::Watch})
    if (Result<void> good = exclude(Option::Health, other); !good) return good;
  if (args.has(Option::Count) && !args.has(Option::Watch))
    return Error(Errc::InvalidArgument, "bad_option",
                 "--count says how often --watch shows the status; give both");
  return {};
}

Result<WatchOptions> watch_options(const Args& args) {
  WatchOptions options;
  options.json = args.has(Option::Json);
  const std::string_view every = args.value(Option::Watch).value_or("");
  if (!every.empty()) {
    const Result<std::chrono::nanoseconds> interval = parse_interval(every);
    if (!interval) return interval.error();
    options.every = *interval;
  }
  if (const auto count = args.value(Option::Count)) {
    constexpr std::uint64_t kMost = 1'000'000'000;
    const Result<std::uint64_t> times = parse_count(*count, "--count", kMost);
    if (!times) return times.error();
    options.count = *times;
  }
  return options;
}

void print_status(const model::ServerStatus& status, const Args& args) {
  if (args.has(Option::Json))
    print_line(client::server_status_to_json(status));
  else if (args.has(Option::Prometheus))
    print(metrics_of_status(status));
  else
    print(text_of_daemon(status) + "\n" + text_of_pool(status) + "\n" +
          text_of_limits(status) + text_of_tokens(status) + text_of_settings(status));
}

// For checks: the exit code says it all.
int show_health(const model::ServerStatus& status, const Args& args) {
  if (args.has(Option::Json))
    print_line(client::health_to_json(status));
  else
    print(text_of_health(status));
  return is_healthy(status) ? 0 : 1;
}

Result<int> run(const Args& args) {
  const Result<void> good = check_options(args);
  if (!good) return good.error();
  const Result<WatchOptions> watching = watch_options(args);
  if (!watching) return watching.error();
  Result<DaemonLink> link = DaemonLink::open(args, false);
  if (!link) return link.error();
  if (args.has(Option::Watch)) return watch_status(link->client(), *watching);
  const Result<model::ServerStatus> status = ask_status(link->client());
  if (!status) return status.error();
  if (args.has(Option::Health)) return show_health(*status, args);
  print_status(*status, args);
  return 0;
}

}  // namespace

const Command kStatusCommand{
    "status",
    "",
    "show a daemon's pool, queue, memory and configuration",
    "Shows the daemon's workers, threads, usable cores and who bounds them, queue,\n"
    "memory, and each setting: the value in force, whether it was set, and whether a\n"
    "change takes effect by reloading or by a restart.\n"
    "\n"
    "--watch shows pool, queue and rates again and again, until Ctrl-C (exit code 0) "
    "or\n"
    "the daemon's end (3); what is no terminal gets one block, or JSON object, each "
    "time.\n"
    "--prometheus prints the text format that node_exporter's textfile collector "
    "reads.\n"
    "--health says whether the daemon's own small jobs with known answers come "
    "through\n"
    "each path: exit code 0 if every path is ok or busy, 1 if one is wedged, failed, "
    "wrong\n"
    "or off, or if workers keep dying.\n",
    "  tally status\n"
    "  tally status --json --socket /run/tally/tally.sock\n"
    "  tally status --watch 1\n"
    "  tally status --health --socket /run/tally/tally.sock\n"
    "  tally status --prometheus > /var/lib/node_exporter/tally.prom.new &&\n"
    "    mv /var/lib/node_exporter/tally.prom.new /var/lib/node_exporter/tally.prom\n",
    OptionSet{DaemonLink::kOptions,
              OptionSet{Option::Json, Option::Watch, Option::Count, Option::Prometheus,
                        Option::Health, Option::Help}},
    run};

}  // namespace tally::cli

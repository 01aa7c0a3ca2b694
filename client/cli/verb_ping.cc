// tally ping: whether a daemon answers, and how fast.
#include "client/cli/command.h"
#include "client/cli/daemon_link.h"
#include "client/cli/output.h"
#include "client/cli/terminal.h"
#include "client/cli/units.h"
#include "client/json_writer.h"
#include "ipc/base/clock.h"

namespace tally::cli {
namespace {

constexpr std::chrono::seconds kPatience{10};

std::string json_of_pong(const DaemonLink& link, const model::Hello& daemon,
                         Nanoseconds round_trip_ns) {
  client::JsonWriter json;
  json.begin_object().key("pong").boolean(true);
  json.field("round_trip_ns", round_trip_ns);
  json.field("socket", link.socket()).key("daemon").begin_object();
  json.field("version", daemon.version).field("pid", daemon.pid);
  json.field("protocol", daemon.protocol).end_object();
  return json.end_object().take();
}

Result<int> run(const Args& args) {
  Result<DaemonLink> link = DaemonLink::open(args, false);
  if (!link) return link.error();
  const Nanoseconds sent = monotonic_ns();
  const Result<model::Reply> reply = link->client().call(model::Ping{}, {}, kPatience);
  const Nanoseconds round_trip = monotonic_ns() - sent;
  if (!reply) return reply.error();
  const model::Hello& daemon = link->client().daemon();
  if (args.has(Option::Json)) {
    print_line(json_of_pong(*link, daemon, round_trip));
  } else {
    print_line("pong from tallyd " + printable(daemon.version) + " (pid " +
               std::to_string(daemon.pid) + ") in " + text_of_time(round_trip));
  }
  return 0;
}

}  // namespace

const Command kPingCommand{
    "ping",
    "",
    "see whether a daemon answers",
    "Asks the daemon for a sign of life and prints how long that took. Exit code 3: "
    "no\n"
    "daemon answers; 4: it does not admit this user.\n",
    "  tally ping\n"
    "  tally ping --socket /run/tally/tally.sock --json\n",
    OptionSet{DaemonLink::kOptions, OptionSet{Option::Json, Option::Help}},
    run};

}  // namespace tally::cli

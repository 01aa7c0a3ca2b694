// tally version: of this program; no daemon is asked.
#include "client/cli/command.h"
#include "client/cli/output.h"
#include "client/json_writer.h"
#include "ipc/frame.h"

namespace tally::cli {
namespace {

Result<int> run(const Args& args) {
  if (!args.has(Option::Json)) {
    print_line("tally " TALLY_VERSION);
    return 0;
  }
  client::JsonWriter json;
  json.begin_object().field("version", TALLY_VERSION);
  json.field("protocol", std::uint64_t{ipc::kProtocolVersion});
  print_line(json.end_object().take());
  return 0;
}

}  // namespace

const Command kVersionCommand{
    "version",
    "",
    "show the version of this program",
    "Shows the version of this program; 'tally ping' shows that of the daemon.\n",
    "  tally version\n"
    "  tally version --json\n",
    OptionSet{Option::Json, Option::Help, Option::Version},
    run};

}  // namespace tally::cli

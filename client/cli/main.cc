// tally: the command line of tally. Exit codes and JSON are a contract: README.md of
// client/.
#include <csignal>
#include <span>
#include <string_view>

#include "client/cli/args.h"
#include "client/cli/command.h"
#include "client/cli/output.h"
#include "ipc/base/guard.h"
#include "ipc/base/standard_descriptors.h"

namespace tally::cli {
namespace {

constexpr int kUsageExit = 2;

// Whether errors are wanted as JSON, even those of a line that cannot be parsed.
bool wants_json(std::span<const char* const> words) {
  for (const std::string_view word : words) {
    if (word == "--") return false;
    if (word == "--json") return true;
  }
  return false;
}

// `tally help [COMMAND]`.
Result<int> help(const Args& args) {
  if (args.operands.empty()) {
    print(help_text());
    return 0;
  }
  if (args.operands.size() > 1)
    return Error(
        Errc::InvalidArgument, "unexpected_argument",
        "'tally help' takes one command; there is \"" + args.operands[1] + "\"");
  const Result<const Command*> command = find_command(args.operands[0]);
  if (!command) return command.error();
  print(help_text(**command));
  return 0;
}

Result<int> dispatch(std::span<const char* const> words) {
  const Result<Args> args = parse_args(words);
  if (!args) return args.error();
  if (args->verb == "help") return help(*args);
  if (args->verb.empty()) {
    if (args->has(Option::Version)) return kVersionCommand.run(*args);
    print(help_text());
    return args->has(Option::Help) ? 0 : kUsageExit;
  }
  const Result<const Command*> command = find_command(args->verb);
  if (!command) return command.error();
  if (args->has(Option::Help)) {
    print(help_text(**command));
    return 0;
  }
  const Result<void> accepted = check_accepted(**command, *args);
  if (!accepted) return accepted.error();
  return (*command)->run(*args);
}

}  // namespace
}  // namespace tally::cli

int main(int argc, char** argv) {
  tally::open_standard_descriptors();
  // A reader that goes away shows as a failed write.
  std::signal(SIGPIPE, SIG_IGN);
  const std::span<const char* const> words(argv + 1, argc > 0 ? argv + argc : argv + 1);
  const tally::Result<int> outcome = tally::guarded(
      "tally", tally::Errc::Internal, [words] { return tally::cli::dispatch(words); });
  const int exit_code =
      outcome ? *outcome
              : tally::cli::report(outcome.error(), tally::cli::wants_json(words));
  return tally::cli::finish_output(exit_code);
}

// Command: one verb of the tally program. Each is one const entry in a file of its own
// (verb_run.cc, …); commands.cc lists them, and the list prints the help.
#pragma once

#include <optional>
#include <span>
#include <string>
#include <string_view>

#include "client/cli/args.h"
#include "ipc/base/result.h"

namespace tally::cli {

struct Command {
  std::string_view name;
  std::string_view operands;  // "REDUCERS SOURCE"; empty: takes none
  std::string_view summary;   // one line for the list
  std::string_view details;   // paragraphs for its own help; each line ends in "\n"
  std::string_view examples;  // lines, each ended by "\n"
  OptionSet options;          // besides --help
  // Does the work and prints the outcome. Returns the exit code, or the Error that
  // ended it, which the caller tells of.
  Result<int> (*run)(const Args& args);
};

extern const Command kRunCommand;
extern const Command kCompareCommand;
extern const Command kExplainCommand;
extern const Command kSubmitCommand;
extern const Command kWaitCommand;
extern const Command kShowCommand;
extern const Command kJobsCommand;
extern const Command kKernelsCommand;
extern const Command kCancelCommand;
extern const Command kStatusCommand;
extern const Command kKernelCommand;
extern const Command kPingCommand;
extern const Command kVersionCommand;

std::span<const Command* const> all_commands();
// Errors: InvalidArgument "unknown_command" (names the nearest, lists all).
Result<const Command*> find_command(std::string_view name);

// Errors: InvalidArgument "option_does_not_apply", "unexpected_argument".
Result<void> check_accepted(const Command& command, const Args& args);

std::string help_text();                        // of the program
std::string help_text(const Command& command);  // of one verb

}  // namespace tally::cli

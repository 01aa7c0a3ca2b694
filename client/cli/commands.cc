#include <array>
#include <vector>

#include "client/cli/command.h"

namespace tally::cli {
namespace {

constexpr std::array<const Command*, 13> kCommands{
    &kRunCommand,    &kCompareCommand, &kExplainCommand, &kSubmitCommand,
    &kWaitCommand,   &kShowCommand,    &kJobsCommand,    &kCancelCommand,
    &kKernelCommand, &kKernelsCommand, &kStatusCommand,  &kPingCommand,
    &kVersionCommand};

}  // namespace

std::span<const Command* const> all_commands() {
  return kCommands;
}

Result<const Command*> find_command(std::string_view name) {
  std::vector<std::string_view> names;
  for (const Command* command : kCommands) {
    if (command->name == name) return command;
    names.push_back(command->name);
  }
  std::string message = "unknown command \"";
  message.append(name).append("\"").append(did_you_mean(name, names));
  message += message.back() == '?' ? " There are" : "; there are";
  for (const std::string_view other : names) message += " " + std::string(other);
  message += "; to reduce something: tally run REDUCERS SOURCE";
  return Error(Errc::InvalidArgument, "unknown_command", std::move(message))
      .with("command", std::string(name));
}

Result<void> check_accepted(const Command& command, const Args& args) {
  for (const OptionInfo& info : all_options())
    if (args.has(info.option) && !command.options.has(info.option))
      return Error(Errc::InvalidArgument, "option_does_not_apply",
                   std::string(info.name) + " does not apply to 'tally " +
                       std::string(command.name) + "'; see 'tally " +
                       std::string(command.name) + " --help'");
  if (command.operands.empty() && !args.operands.empty())
    return Error(Errc::InvalidArgument, "unexpected_argument",
                 "'tally " + std::string(command.name) +
                     "' takes no arguments; there is \"" + args.operands[0] + "\"");
  return {};
}

}  // namespace tally::cli

#include "client/cli/command.h"
#include "client/cli/table.h"

namespace tally::cli {
namespace {

std::string options_text(OptionSet options) {
  Table table;
  for (const OptionInfo& info : all_options()) {
    if (!options.has(info.option)) continue;
    std::string form;
    if (info.letter != '\0') form = {'-', info.letter, ',', ' '};
    form += info.name;
    if (!info.value.empty()) form.append(" ").append(info.value);
    table.add({"", std::move(form), std::string(info.help)});
  }
  return table.text();
}

}  // namespace

std::string help_text() {
  Table table;
  for (const Command* command : all_commands())
    table.add({"", std::string(command->name), std::string(command->summary)});
  return "usage: tally COMMAND [ARGUMENTS] [OPTIONS]\n\n"
         "Reduces ranges, values and files to exact answers, on the workers of a "
         "tally\n"
         "daemon or, where none runs, in this process.\n\n" +
         table.text() +
         "\n'tally COMMAND --help' lists a command's options and has examples, such "
         "as\n"
         "  tally run sum --range 0:1000\n";
}

std::string help_text(const Command& command) {
  std::string text = "usage: tally ";
  text += command.name;
  if (!command.operands.empty()) text.append(" ").append(command.operands);
  text.append(" [OPTIONS]\n\n").append(command.details);
  text += "\noptions, anywhere on the line:\n" + options_text(command.options);
  return text + "\nexamples:\n" + std::string(command.examples);
}

}  // namespace tally::cli

// tally kernel: a project for a new kernel; the laws, tried on one.
#include <sys/stat.h>

#include <cstdio>
#include <string>

#include "client/check/check.h"
#include "client/cli/command.h"
#include "client/cli/kernel_data.h"
#include "client/cli/kernel_project.h"
#include "client/cli/output.h"
#include "client/cli/table.h"
#include "client/cli/terminal.h"
#include "client/json_writer.h"
#include "client/kernel_file.h"
#include "config/quantity.h"

namespace tally::cli {
namespace {

using check::Checked;
using check::LawRow;
using check::Mark;

std::string_view word_of(Mark mark) {
  switch (mark) {
    case Mark::Kept: return "pass";
    case Mark::Broken: return "FAIL";
    case Mark::NotTried: return "-";
  }
  return "?";
}

std::string text_of(const Checked& checked, const std::string& file) {
  if (checked.loads.mark != Mark::Kept)
    return file + ": FAIL  " + printable(checked.loads.detail) + "\n";
  std::string text;
  for (const check::CheckedKernel& kernel : checked.kernels) {
    if (!text.empty()) text += "\n";
    text += kernel.info.name;
    if (!kernel.info.summary.empty()) text += ": " + printable(kernel.info.summary);
    text += "\n";
    Table table;
    for (const LawRow& row : kernel.laws)
      table.add({"", row.law, std::string(word_of(row.mark)), printable(row.detail)});
    text += table.text();
  }
  return text;
}

void write_row(client::JsonWriter& json, const LawRow& row) {
  json.begin_object().field("law", row.law);
  json.key("result");
  switch (row.mark) {
    case Mark::Kept: json.string("pass"); break;
    case Mark::Broken: json.string("fail"); break;
    case Mark::NotTried: json.string("not tried"); break;
  }
  json.field("detail", row.detail).end_object();
}

std::string json_of(const Checked& checked, const std::string& file) {
  client::JsonWriter json;
  json.begin_object().field("file", file);
  json.key("passed").boolean(checked.passed());
  json.key("loads");
  write_row(json, checked.loads);
  json.key("kernels").begin_array();
  for (const check::CheckedKernel& kernel : checked.kernels) {
    json.begin_object().field("kernel", kernel.info.name);
    json.key("laws").begin_array();
    for (const LawRow& row : kernel.laws) write_row(json, row);
    json.end_array().end_object();
  }
  json.end_array();
  return json.end_object().take();
}

// A word that is no file and has a '=' is a parameter.
bool is_parameter(const std::string& word) {
  struct stat about {};
  return word.find('=') != std::string::npos && ::stat(word.c_str(), &about) != 0;
}

Result<int> check_one(const Args& args) {
  if (args.operands.size() < 2)
    return Error(Errc::InvalidArgument, "missing_argument",
                 "tally kernel check needs a file: tally kernel check ./libgeomean.so");
  const std::string& file = args.operands[1];
  check::Options options;
  for (std::size_t i = 2; i < args.operands.size(); ++i) {
    const std::string& word = args.operands[i];
    if (is_parameter(word)) {
      const std::size_t equals = word.find('=');
      options.arguments.push_back({word.substr(0, equals), word.substr(equals + 1)});
    } else if (options.data) {
      return Error(Errc::InvalidArgument, "unexpected_argument",
                   "one file of data is enough; there is \"" + word + "\" too");
    } else {
      options.data = [&args, word](const model::KernelInfo& kernel) {
        return read_kernel_data(word, args, kernel);
      };
    }
  }
  if (const auto limit = args.value(Option::Timeout)) {
    const auto duration = config::parse_duration(*limit);
    if (!duration) return Error(duration.error()).within("--timeout");
    options.limit = std::chrono::ceil<std::chrono::milliseconds>(*duration);
  }
  Result<UniqueFd> opened = client::open_kernel_file(file);
  if (!opened) return std::move(opened).error();
  const std::string name = client::kernel_file_name(file);
  const Result<Checked> checked = check::check_file(opened->get(), name, options);
  if (!checked) return checked.error();
  if (args.has(Option::Json))
    print_line(json_of(*checked, file));
  else
    print(text_of(*checked, name));
  return checked->passed() ? 0 : 1;
}

Result<int> make_one(const Args& args) {
  if (args.operands.size() != 2)
    return Error(Errc::InvalidArgument, "missing_argument",
                 "tally kernel new needs a name, one: tally kernel new geomean");
  const Result<std::string> next = make_kernel_project(args.operands[1]);
  if (!next) return next.error();
  print(*next);
  return 0;
}

Result<int> run(const Args& args) {
  const std::string verb = args.operands.empty() ? "" : args.operands[0];
  if (verb == "new") return make_one(args);
  if (verb == "check") return check_one(args);
  return Error(Errc::InvalidArgument, "unknown_command",
               (verb.empty() ? std::string("tally kernel needs a word")
                             : "tally kernel \"" + verb + "\" is not known") +
                   "; there are: tally kernel new NAME, tally kernel check FILE");
}

}  // namespace

const Command kKernelCommand{
    "kernel",
    "new NAME | check FILE [DATA] [PARAMETER=VALUE]",
    "begin a kernel of your own, or hold one against the laws",
    "new NAME makes the folder NAME with a kernel in C++ that builds, and says what to "
    "do\nnext. Nothing is overwritten.\n\n"
    "check FILE tries the laws on each kernel of a shared object and prints what "
    "held:\n"
    "that rows may be cut anywhere, that empty states change nothing, that states "
    "travel,\nthat nothing writes where it may not, and so on. Each law runs in a "
    "process of its\nown, so a crash is a row of the table. The rows are generated, or "
    "the first ones of\nDATA; a kernel that claims to be exact is held to it, to the "
    "bit. The exit code is 1\nif a law was broken.\n",
    "  tally kernel new geomean\n"
    "  tally kernel check ./libgeomean.so\n"
    "  tally kernel check ./libbbox.so points.csv --column x,y\n"
    "  tally kernel check ./liblogsum.so base=2 --json\n",
    OptionSet{kDataOptions, OptionSet{Option::Timeout, Option::Json, Option::Help}},
    run};

}  // namespace tally::cli

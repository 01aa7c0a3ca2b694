// tally kernels: what is in kernel files, and what a daemon's administrator installed.
#include <chrono>
#include <string>
#include <utility>
#include <vector>

#include "client/answer_json.h"
#include "client/cli/command.h"
#include "client/cli/daemon_link.h"
#include "client/cli/output.h"
#include "client/cli/table.h"
#include "client/cli/terminal.h"
#include "client/kernel_file.h"

namespace tally::cli {
namespace {

constexpr std::chrono::seconds kPatience{30};

using Kernels = std::vector<model::ListedKernel>;

std::string text_of_parameters(const model::KernelInfo& kernel) {
  std::string text;
  for (const model::KernelParameter& parameter : kernel.parameters) {
    text += (text.empty() ? "" : ", ") + parameter.name;
    if (parameter.default_value) text += "=" + printable(*parameter.default_value);
  }
  return text.empty() ? "-" : text;
}

std::string text_of_kernels(const Kernels& kernels) {
  Table table;
  table.add({"kernel", "columns", "takes", "parameters", "merge", "runs in", "file",
             "summary"});
  for (const model::ListedKernel& kernel : kernels)
    table.add({kernel.info.name, std::to_string(kernel.info.columns),
               model::type_names(kernel.info.types, " "),
               text_of_parameters(kernel.info), kernel.info.exact ? "exact" : "by tree",
               kernel.in_process ? "threads, workers" : "workers",
               printable(kernel.file), printable(kernel.info.summary)});
  return table.text();
}

Result<Kernels> ask(const Args& args) {
  model::ListKernels request;
  std::vector<UniqueFd> files;
  std::vector<int> fds;
  for (const std::string& path : args.operands) {
    Result<UniqueFd> file = client::open_kernel_file(path);
    if (!file) return std::move(file).error();
    request.files.push_back(
        {client::kernel_file_name(path), static_cast<std::uint32_t>(fds.size())});
    fds.push_back(file->get());
    files.push_back(*std::move(file));
  }
  Result<DaemonLink> link = DaemonLink::open(args, !args.operands.empty());
  if (!link) return link.error();
  Result<model::Reply> reply = link->client().call(std::move(request), fds, kPatience);
  if (!reply) return std::move(reply).error();
  auto* const kernels = std::get_if<Kernels>(&*reply);
  if (kernels == nullptr)
    return Error(Errc::ProtocolViolation, "the daemon answered no list of kernels");
  return std::move(*kernels);
}

Result<int> run(const Args& args) {
  const Result<Kernels> kernels = ask(args);
  if (!kernels) return kernels.error();
  if (args.has(Option::Json)) {
    print_line(client::kernels_to_json(*kernels));
  } else if (kernels->empty()) {
    print_line(
        "no kernels are installed; name a file to see what is in it: tally kernels "
        "./libNAME.so");
  } else {
    print(text_of_kernels(*kernels));
  }
  return 0;
}

}  // namespace

const Command kKernelsCommand{
    "kernels",
    "[FILE.so ...]",
    "list kernels: those in files, those installed",
    "Lists the kernels that jobs may name: those in the files, and those that the\n"
    "daemon's administrator installed ([kernels] in its configuration). A worker "
    "loads\n"
    "each file and says what is in it; nothing is run.\n",
    "  tally kernels\n"
    "  tally kernels ./libgeomean.so\n",
    OptionSet{Option::Json, Option::Embedded, Option::Socket, Option::Help},
    run};

}  // namespace tally::cli

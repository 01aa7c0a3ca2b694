#include "daemon/options.h"

#include <array>
#include <optional>

#include "ipc/base/nearest.h"

namespace tally::daemon {
namespace {

constexpr std::array<std::string_view, 5> kNames = {
    "--config", "--socket", "--check-config", "--help", "--version"};

Error unknown(std::string_view argument) {
  std::string message = "unknown option '" + std::string(argument) + "'";
  if (const std::optional<std::string_view> near = nearest(argument, kNames))
    message += "; did you mean '" + std::string(*near) + "'?";
  return Error(Errc::InvalidArgument, "unknown_option",
               message + " (see tallyd --help)");
}

}  // namespace

Result<DaemonOptions> parse_options(std::span<const char* const> arguments) {
  DaemonOptions options;
  for (std::size_t i = 0; i < arguments.size(); ++i) {
    std::string_view name = arguments[i];
    std::optional<std::string_view> value;
    if (const std::size_t equals = name.find('=');
        name.starts_with("--") && equals != std::string_view::npos) {
      value = name.substr(equals + 1);
      name = name.substr(0, equals);
    }
    if (name == "--help" || name == "-h" || name == "--version") {
      if (value)
        return Error(Errc::InvalidArgument, "unexpected_value",
                     std::string(name) + " takes no value");
      options.action = name == "--version" ? DaemonOptions::Action::Version
                                           : DaemonOptions::Action::Help;
      return options;
    }
    if (name != "--config" && name != "--socket" && name != "--check-config")
      return unknown(arguments[i]);
    if (!value && i + 1 < arguments.size()) value = arguments[++i];
    if (!value || value->empty())
      return Error(Errc::InvalidArgument, "missing_value",
                   "option " + std::string(name) + " needs a path");
    std::string& path = name == "--socket" ? options.socket : options.config_file;
    if (!path.empty())
      return Error(Errc::InvalidArgument, "repeated_option",
                   name == "--socket" ? "--socket is given twice"
                                      : "one of --config and --check-config, once");
    path = *value;
    if (name == "--check-config") options.action = DaemonOptions::Action::CheckConfig;
  }
  return options;
}

std::string_view help_text() {
  return R"(tallyd: runs reduction jobs for other programs over a Unix socket

  tallyd [--config FILE] [--socket PATH]
  tallyd --check-config FILE     report every problem in FILE, or say that it is good

options
  --config FILE    settings; without it, the defaults (tallyd.toml lists them all)
  --socket PATH    where to listen, instead of the configuration's [daemon] socket; not
                   where systemd passes a socket (tallyd.socket)
  --help, --version

SIGTERM and SIGINT drain: no new jobs, running ones end (up to [daemon] drain_timeout),
then tallyd exits 0. A second one cancels what still runs. SIGHUP reads the --config
FILE again, whole or not at all; without --config it drains like SIGTERM.

examples
  tallyd --socket /tmp/my.sock &          a private daemon
  tally --socket /tmp/my.sock ping
  tallyd --check-config /etc/tally/tallyd.toml
)";
}

}  // namespace tally::daemon

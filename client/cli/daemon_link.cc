#include "client/cli/daemon_link.h"

#include <cstdio>
#include <cstdlib>
#include <string_view>
#include <utility>

#include "client/cli/interrupt.h"
#include "config/config.h"
#include "ipc/endpoint.h"

namespace tally::cli {
namespace {

bool embedding_forbidden() {
  const char* const setting = std::getenv("TALLY_EMBED");
  return setting != nullptr && std::string_view(setting) == "never";
}

// For a path that a shell takes as one word.
std::string start_command(const std::string& path) {
  return "tallyd --socket '" + path + "'";
}

Error no_daemon_found() {
  return Error(Errc::Unavailable, "no_daemon",
               "no daemon is running: neither /run/tally/tally.sock nor "
               "$XDG_RUNTIME_DIR/tally/tally.sock exists; start one with 'tallyd', or "
               "name its socket with --socket");
}

Error explained(Error error, const std::string& path) {
  if (error.code() != "no_daemon") return error;
  Error told(error.errc(), error.code(),
             error.message() + " Start one with: " + start_command(path));
  return std::move(told).with("socket", path);
}

}  // namespace

Result<DaemonLink> DaemonLink::open(const Args& args, bool may_embed) {
  Options options;
  options.socket = args.value(Option::Socket).value_or("");
  options.embedded = args.has(Option::Embedded);
  options.may_embed = may_embed;
  options.quiet = args.has(Option::Quiet);
  if (args.has(Option::Socket) && options.socket.empty())
    return Error(Errc::InvalidArgument, "bad_option", "--socket \"\" names no socket");
  return open(options);
}

Result<DaemonLink> DaemonLink::open(const Options& options) {
  if (options.embedded && !options.socket.empty())
    return Error(Errc::InvalidArgument, "bad_option",
                 "--embedded and --socket exclude each other");
  if (options.embedded) return open_embedded();
  const ipc::Endpoint endpoint = ipc::resolve_endpoint(options.socket);
  if (!endpoint.path.empty()) return open_socket(endpoint.path);
  if (!options.may_embed || embedding_forbidden()) return no_daemon_found();
  if (!options.quiet) std::fputs("tally: no daemon found; running embedded\n", stderr);
  return open_embedded();
}

Result<DaemonLink> DaemonLink::open_socket(const std::string& path) {
  Result<std::unique_ptr<client::Client>> client = client::Client::connect(path, {});
  if (!client) return explained(std::move(client).error(), path);
  DaemonLink link;
  link.socket_ = path;
  link.client_ = std::move(*client);
  return link;
}

Result<DaemonLink> DaemonLink::open_embedded() {
  // The core's thread inherits the mask: SIGINT is for the command alone.
  const HeldInterrupt held;
  Result<std::unique_ptr<daemon::Embedded>> core =
      daemon::Embedded::start(config::Config{});
  if (!core) return std::move(core).error();
  Result<UniqueFd> connected = (*core)->connect();
  if (!connected) return std::move(connected).error();
  Result<std::unique_ptr<client::Client>> client =
      client::Client::adopt(std::move(*connected), {});
  if (!client) return std::move(client).error();
  DaemonLink link;
  link.embedded_ = std::move(*core);
  link.client_ = std::move(*client);
  return link;
}

}  // namespace tally::cli

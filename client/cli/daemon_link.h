// DaemonLink: the daemon that a command talks to, in another process or in this one.
//
//   --embedded          the daemon's core on a thread of this process
//   a socket was named  that daemon or an error, never an embedded one
//   one of the usual    that daemon or an error
//     sockets exists
//   none exists         embedded, said in one line on stderr; an error where
//                       $TALLY_EMBED is "never" or `may_embed` is false
//
// Ctrl-C is left as it was found. Lifetime: the client must go before the core.
#pragma once

#include <memory>
#include <string>

#include "client/cli/args.h"
#include "client/client.h"
#include "daemon/embedded.h"
#include "ipc/base/result.h"

namespace tally::cli {

class DaemonLink {
 public:
  struct Options {
    std::string socket;     // --socket; empty: not given
    bool embedded = false;  // --embedded
    bool may_embed = true;  // where no daemon is found
    bool quiet = false;     // say nothing of embedding
  };

  static constexpr OptionSet kOptions{Option::Socket, Option::Embedded};

  // Errors: InvalidArgument (both options), Unavailable, PermissionDenied, and those
  // of Embedded::start.
  static Result<DaemonLink> open(const Options& options);
  static Result<DaemonLink> open(const Args& args, bool may_embed);

  client::Client& client() { return *client_; }
  const std::string& socket() const { return socket_; }  // empty: embedded

 private:
  DaemonLink() = default;
  static Result<DaemonLink> open_embedded();
  static Result<DaemonLink> open_socket(const std::string& path);

  std::string socket_;
  std::unique_ptr<daemon::Embedded> embedded_;
  std::unique_ptr<client::Client> client_;
};

}  // namespace tally::cli

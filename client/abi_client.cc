// The C ABI: connecting, interrupting, and a client in its host's event loop.
#include <poll.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <chrono>
#include <limits>

#include "client/abi_types.h"
#include "ipc/endpoint.h"

namespace tally::client {
namespace {

constexpr std::uint64_t kDefaultTimeoutNs = 10'000'000'000;

std::chrono::nanoseconds duration_of(std::uint64_t ns) {
  constexpr auto kMost = std::numeric_limits<std::int64_t>::max() / 2;
  return std::chrono::nanoseconds(
      static_cast<std::int64_t>(std::min<std::uint64_t>(ns, kMost)));
}

Result<tally_connect_options> connect_options(const tally_connect_options* given) {
  if (given != nullptr) return options_from(*given, "tally_connect_options");
  tally_connect_options options{};
  options.timeout_ns = kDefaultTimeoutNs;
  return options;
}

// `dial(options)` gives the connected Client.
template <typename Dial>
Result<void> connect(const tally_connect_options* given, tally_client** client,
                     Dial&& dial) {
  if (client == nullptr) return null_argument("client");
  const Result<tally_connect_options> options = connect_options(given);
  if (!options) return options.error();
  if (Result<void> known = check_flags(options->flags, TALLY_CONNECT_INTERRUPTIBLE,
                                       "tally_connect_options");
      !known)
    return known;
  auto made = std::make_unique<tally_client>();
  made->pid = ::getpid();
  if ((options->flags & TALLY_CONNECT_INTERRUPTIBLE) != 0) {
    made->interrupted = UniqueFd(::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK));
    if (!made->interrupted) return Error::from_errno("eventfd");
  }
  Result<std::unique_ptr<Client>> connected = dial(*options);
  if (!connected) return std::move(connected).error();
  made->client = *std::move(connected);
  *client = made.release();
  return {};
}

Result<std::unique_ptr<Client>> dial_path(const tally_connect_options& options) {
  const char* path = options.socket_path;
  const ipc::Endpoint endpoint = ipc::resolve_endpoint(path == nullptr ? "" : path);
  return Client::connect(endpoint.path, {duration_of(options.timeout_ns)});
}

Result<std::unique_ptr<Client>> dial_socket(UniqueFd socket,
                                            const tally_connect_options& options) {
  int type = 0;
  socklen_t size = sizeof type;
  if (::getsockopt(socket.get(), SOL_SOCKET, SO_TYPE, &type, &size) != 0 ||
      type != SOCK_STREAM)
    return Error(Errc::InvalidArgument, "bad_descriptor",
                 std::to_string(socket.get()) + " is no connected stream socket");
  return Client::adopt(std::move(socket), {duration_of(options.timeout_ns)});
}

// Async-signal-safe.
tally_status interrupt(const tally_client& client) {
  const int kept = errno;
  const std::uint64_t one = 1;
  // EAGAIN: it is interrupted 2^64 - 2 times over.
  const bool told = ::write(client.interrupted.get(), &one, sizeof one) > 0;
  const bool enough = told || errno == EAGAIN;
  errno = kept;
  return enough ? TALLY_OK : TALLY_IO;
}

}  // namespace

bool is_forked(const tally_client& client) noexcept {
  return ::getpid() != client.pid;
}

Error forked() {
  return Error(Errc::InvalidArgument, "forked",
               "this client belongs to the process that connected; a forked child "
               "connects for itself");
}

Result<void> rearm(const tally_client& client, Result<void> done) {
  if (!done && done.error().code() == "interrupted") {
    std::uint64_t count = 0;
    (void)::read(client.interrupted.get(), &count, sizeof count);
  }
  return done;
}

Result<void> check_flags(std::uint64_t flags, std::uint64_t known, const char* name) {
  if ((flags & ~known) == 0) return {};
  return Error(
      Errc::InvalidArgument, "unknown_flag",
      std::string(name) + " has a flag that tally " TALLY_VERSION " does not know");
}

}  // namespace tally::client

using tally::Result;
using tally::client::boundary;
using tally::client::is_forked;
using tally::client::with_client;

extern "C" {

tally_status tally_connect(const tally_connect_options* options, tally_client** client,
                           tally_error** error) {
  return boundary(error, [&] {
    return tally::client::connect(options, client, tally::client::dial_path);
  });
}

tally_status tally_connect_fd(int fd, const tally_connect_options* options,
                              tally_client** client, tally_error** error) {
  tally::UniqueFd socket(fd);
  return boundary(error, [&] {
    return tally::client::connect(
        options, client, [&](const tally_connect_options& given) {
          return tally::client::dial_socket(std::move(socket), given);
        });
  });
}

void tally_client_free(tally_client* client) {
  // A forked child may have the socket open still: the connection ends all the same.
  // From a child itself closing says nothing on the wire.
  if (client != nullptr && !is_forked(*client)) {
    client->client->leave();
    (void)::shutdown(client->client->fd(), SHUT_RDWR);
  }
  delete client;
}

tally_status tally_ping(tally_client* client, uint64_t timeout_ns,
                        tally_error** error) {
  return with_client(client, error, [&](tally_client& of) -> Result<void> {
    Result<tally::model::Reply> reply =
        of.client->call(tally::model::Ping{}, {},
                        tally::client::duration_of(timeout_ns), of.interrupted.get());
    if (!reply) return std::move(reply).error();
    return {};
  });
}

tally_status tally_client_interrupt(tally_client* client) {
  if (client == nullptr || !client->interrupted || is_forked(*client))
    return TALLY_INVALID_ARGUMENT;
  return tally::client::interrupt(*client);
}

int tally_client_fd(const tally_client* client) {
  return client == nullptr || is_forked(*client) ? -1 : client->client->fd();
}

int tally_client_events(const tally_client* client) {
  if (client == nullptr || is_forked(*client)) return 0;
  return (client->client->pending_input() ? POLLIN : 0) |
         (client->client->pending_output() ? POLLOUT : 0);
}

tally_status tally_client_dispatch(tally_client* client, tally_error** error) {
  return with_client(client, error,
                     [](tally_client& of) { return of.client->dispatch(); });
}

tally_ticket tally_client_ready(tally_client* client, void** user) {
  if (client == nullptr || is_forked(*client)) return 0;
  const std::optional<tally::client::Ticket> ticket = client->client->next_ready();
  if (!ticket) return 0;
  if (user != nullptr) {
    const auto at = client->outstanding.find(ticket->sequence);
    *user = at == client->outstanding.end() ? nullptr : at->second.user;
  }
  return ticket->sequence;
}

}  // extern "C"

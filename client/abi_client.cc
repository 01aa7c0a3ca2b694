// The C ABI: connecting, submitting, waiting.
#include <algorithm>
#include <chrono>
#include <cstring>
#include <limits>
#include <variant>

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

// The caller's options in a struct of our size; what an older caller lacks is 0.
Result<tally_connect_options> options_from(const tally_connect_options* given) {
  tally_connect_options options{};
  options.timeout_ns = kDefaultTimeoutNs;
  if (given == nullptr) return options;
  if (given->struct_size < sizeof given->struct_size)
    return Error(Errc::InvalidArgument, "bad_struct_size",
                 "struct_size is not set in tally_connect_options");
  options = {};
  std::memcpy(&options, given, std::min(given->struct_size, sizeof options));
  return options;
}

Result<void> connect(const tally_connect_options* given, tally_client** client) {
  if (client == nullptr) return null_argument("client");
  const Result<tally_connect_options> options = options_from(given);
  if (!options) return options.error();
  const char* path = options->socket_path;
  const ipc::Endpoint endpoint = ipc::resolve_endpoint(path == nullptr ? "" : path);
  Result<std::unique_ptr<Client>> connected =
      Client::connect(endpoint.path, {duration_of(options->timeout_ns)});
  if (!connected) return std::move(connected).error();
  auto made = std::make_unique<tally_client>();
  made->client = *std::move(connected);
  *client = made.release();
  return {};
}

model::JobSpec spec_of(const tally_job& job) {
  model::JobSpec spec = job.spec;
  if (job.source)
    spec.source = *job.source;
  else
    spec.source = job.files;
  return spec;
}

Result<void> submit(tally_client* client, const tally_job* job, tally_ticket* ticket) {
  if (client == nullptr) return null_argument("client");
  if (job == nullptr) return null_argument("job");
  if (ticket == nullptr) return null_argument("ticket");
  if (job->spec.reducers.empty())
    return Error(Errc::InvalidArgument, "no_reducer", "the job has no reducer");
  if (!job->source && job->files.files.empty())
    return Error(Errc::InvalidArgument, "no_source", "the job has no source");
  std::vector<int> fds;
  for (const UniqueFd& fd : job->fds) fds.push_back(fd.get());
  const Nanoseconds now = monotonic_ns();
  const Result<Ticket> queued =
      client->client->submit(spec_of(*job), fds, model::ReplyWhen::Finished);
  if (!queued) return queued.error();
  client->submitted_ns[queued->sequence] = now;
  *ticket = queued->sequence;
  return {};
}

Result<Ticket> ticket_from(tally_ticket ticket) {
  if (ticket == 0 || ticket > std::numeric_limits<std::uint32_t>::max())
    return Error(Errc::InvalidArgument, "unknown_ticket",
                 "no reply is outstanding for this ticket");
  return Ticket{static_cast<std::uint32_t>(ticket)};
}

Result<void> wait(tally_client* client, tally_ticket number, tally_answer** answer) {
  if (client == nullptr) return null_argument("client");
  if (answer == nullptr) return null_argument("answer");
  const Result<Ticket> ticket = ticket_from(number);
  if (!ticket) return ticket.error();
  Result<model::Reply> reply = client->client->wait(*ticket);
  Nanoseconds wall_ns = 0;
  if (const auto at = client->submitted_ns.find(ticket->sequence);
      at != client->submitted_ns.end()) {
    wall_ns = monotonic_ns() - at->second;
    client->submitted_ns.erase(at);
  }
  if (!reply) return std::move(reply).error();
  auto* ended = std::get_if<model::JobAnswer>(&*reply);
  if (ended == nullptr)
    return Error(Errc::ProtocolViolation, "unexpected_reply",
                 "the daemon answered a submit with something else");
  std::optional<Error> failure = failure_of(*ended);
  *answer = make_answer(std::move(*ended), wall_ns).release();
  if (failure) return *std::move(failure);
  return {};
}

}  // namespace
}  // namespace tally::client

using tally::Error;
using tally::Result;
using tally::client::boundary;

extern "C" {

tally_status tally_connect(const tally_connect_options* options, tally_client** client,
                           tally_error** error) {
  return boundary(error, [&] { return tally::client::connect(options, client); });
}

void tally_client_free(tally_client* client) {
  delete client;
}

tally_status tally_ping(tally_client* client, uint64_t timeout_ns,
                        tally_error** error) {
  return boundary(error, [&]() -> Result<void> {
    if (client == nullptr) return tally::client::null_argument("client");
    Result<tally::model::Reply> reply = client->client->call(
        tally::model::Ping{}, {}, tally::client::duration_of(timeout_ns));
    if (!reply) return std::move(reply).error();
    return {};
  });
}

tally_status tally_submit(tally_client* client, const tally_job* job,
                          tally_ticket* ticket, tally_error** error) {
  return boundary(error, [&] { return tally::client::submit(client, job, ticket); });
}

tally_status tally_flush(tally_client* client, tally_error** error) {
  return boundary(error, [&]() -> Result<void> {
    if (client == nullptr) return tally::client::null_argument("client");
    return client->client->flush();
  });
}

tally_status tally_wait(tally_client* client, tally_ticket ticket,
                        tally_answer** answer, tally_error** error) {
  return boundary(error, [&] { return tally::client::wait(client, ticket, answer); });
}

tally_status tally_run(tally_client* client, const tally_job* job,
                       tally_answer** answer, tally_error** error) {
  return boundary(error, [&]() -> Result<void> {
    if (answer == nullptr) return tally::client::null_argument("answer");
    tally_ticket ticket = 0;
    if (Result<void> queued = tally::client::submit(client, job, &ticket); !queued)
      return queued;
    return tally::client::wait(client, ticket, answer);
  });
}

tally_status tally_cancel(tally_client* client, tally_ticket ticket,
                          tally_error** error) {
  return boundary(error, [&]() -> Result<void> {
    if (client == nullptr) return tally::client::null_argument("client");
    const Result<tally::client::Ticket> known = tally::client::ticket_from(ticket);
    if (!known) return known.error();
    return client->client->cancel(*known);
  });
}

}  // extern "C"

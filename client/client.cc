#include "client/client.h"

#include <unistd.h>

#include <algorithm>
#include <deque>
#include <optional>
#include <string>
#include <unordered_map>
#include <utility>
#include <variant>

#include "client/client_impl.h"
#include "ipc/codec/control_codec.h"
#include "ipc/endpoint.h"
#include "ipc/frame.h"

namespace tally::client {
namespace {

// Sent early rather than with the next wait, so that the daemon works on these while
// the caller prepares more.
constexpr std::size_t kSendEarlyBytes = 16 * 1024;

// Below this the list of ready tickets is not worth tidying.
constexpr std::size_t kFewReady = 64;

Nanoseconds deadline_after(std::chrono::nanoseconds timeout) {
  if (timeout.count() <= 0) return 0;
  return monotonic_ns() + static_cast<Nanoseconds>(timeout.count());
}

Error bad_reply(const Error& cause) {
  return Error(Errc::ProtocolViolation, cause.code(),
               "the daemon's reply cannot be read: " + cause.message());
}

Error wrong_version(const model::Hello& daemon) {
  return Error(Errc::ProtocolViolation, "version_mismatch",
               "the daemon (tally " + daemon.version + ") speaks protocol " +
                   std::to_string(daemon.protocol) + ", this client protocol " +
                   std::to_string(ipc::kProtocolVersion))
      .with("daemon_protocol", std::int64_t{daemon.protocol});
}

bool names_too_long(const Error& error, const model::Request& request) {
  const auto* submit = std::get_if<model::Submit>(&request);
  const auto* explain = std::get_if<model::Explain>(&request);
  if (error.code() != "message_too_large" || (!submit && !explain)) return false;
  const auto* source = std::get_if<model::FilesSource>(submit ? &submit->spec.source
                                                              : &explain->spec.source);
  return source != nullptr && source->windowed;
}

Error too_many_names() {
  return Error(Errc::InvalidArgument, "message_too_large",
               "the names of these files do not fit into a request of 1 MiB; name them "
               "from within their folder, or reduce fewer at a time")
      .with("limit", std::int64_t{ipc::kMaxRequestBytes});
}

}  // namespace

Result<std::uint32_t> Client::Impl::queue(const model::Request& request,
                                          std::span<const int> fds) {
  if (broken) return *broken;
  // 0 is what the daemon answers frames with whose sequence it does not know.
  std::uint32_t sequence = last_sequence;
  do ++sequence;
  while (sequence == 0 || slots.contains(sequence));
  if (Result<void> fits = connection->queue(sequence, request, fds); !fits)
    return names_too_long(fits.error(), request) ? too_many_names()
                                                 : std::move(fits).error();
  last_sequence = sequence;
  slots.try_emplace(sequence);
  return sequence;
}

Result<void> Client::Impl::take_reply(const ipc::Frame& frame) {
  Result<model::Reply> reply = ipc::read_reply(frame.body);
  if (!reply) return bad_reply(reply.error());
  const std::uint32_t sequence = frame.header.sequence;
  const auto at = slots.find(sequence);
  if (at != slots.end() && !at->second.reply) {
    if (at->second.discard) {
      slots.erase(at);
      return {};
    }
    if (at->second.for_ticket) ready.push_back(sequence);
    at->second.reply = *std::move(reply);
    at->second.kept.reset();
    return {};
  }
  // The daemon's last words on a frame that it could not read.
  if (const auto* farewell = std::get_if<Error>(&*reply); farewell && sequence == 0)
    return *farewell;
  return Error(Errc::ProtocolViolation, "unexpected_reply",
               "the daemon answered a request that was not made");
}

Result<void> Client::Impl::take_event(const ipc::Frame& frame) {
  Result<model::Event> event = ipc::read_event(frame.body);
  if (!event) return bad_reply(event.error());
  const auto at = slots.find(frame.header.sequence);
  if (at == slots.end()) return {};
  if (const auto* need = std::get_if<model::NeedFiles>(&*event))
    return send_files(at->first, at->second.files, *need);
  if (at->second.progress) at->second.progress(std::get<model::JobProgress>(*event));
  return {};
}

// Queued: they leave with what is sent next, which whoever receives does.
Result<void> Client::Impl::send_files(std::uint32_t sequence, const FileOpener& open,
                                      const model::NeedFiles& need) {
  if (!open || need.count == 0 || need.count > ipc::kMaxFrameDescriptors)
    return Error(Errc::ProtocolViolation, "bad_event",
                 "the daemon asked for files that it cannot have");
  model::SendFiles answer{need.first, {}};
  std::vector<UniqueFd> opened;
  std::vector<int> fds;
  for (std::uint32_t i = 0; i < need.count && !answer.error; ++i) {
    Result<UniqueFd> file = open(need.first + i);
    if (!file) {
      answer.error = std::move(file).error();
      fds.clear();
      break;
    }
    fds.push_back(file->get());
    opened.push_back(*std::move(file));
  }
  if (Result<void> fits = connection->queue(sequence, answer, fds); fits || fds.empty())
    return fits;
  // Descriptors ran out while they were duplicated: the job can be told.
  answer.error = Error(Errc::Io, "file_lost", "the client has too many open files");
  return connection->queue(sequence, answer, {});
}

Result<void> Client::Impl::take(const ipc::Frame& frame) {
  switch (frame.header.kind) {
    case ipc::FrameKind::Reply: return take_reply(frame);
    case ipc::FrameKind::Event: return take_event(frame);
    case ipc::FrameKind::Request:
    case ipc::FrameKind::Worker: break;
  }
  return Error(Errc::ProtocolViolation, "bad_kind",
               "the daemon sent a frame that is neither a reply nor an event");
}

// Takes every frame that the last read brought.
Result<void> Client::Impl::take_frames() {
  for (;;) {
    Result<std::optional<ipc::Frame>> frame = connection->next();
    if (!frame) return std::move(frame).error();
    if (!*frame) return {};
    if (Result<void> taken = take(**frame); !taken) return taken;
  }
}

Result<void> Client::Impl::checked(Result<void> step) {
  if (step || broken) return step;
  const Errc errc = step.error().errc();
  const bool only_waiting_ended =
      errc == Errc::DeadlineExceeded || step.error().code() == "interrupted";
  if (!only_waiting_ended) lost(step.error());
  return step;
}

// Nothing more will come: every ticket is as ready as it will ever be.
void Client::Impl::lost(const Error& why) {
  broken = why;
  const auto replied = static_cast<std::ptrdiff_t>(ready.size());
  for (const auto& [sequence, slot] : slots)
    if (slot.for_ticket && !slot.discard && !slot.reply) ready.push_back(sequence);
  std::sort(ready.begin() + replied, ready.end());
}

bool Client::Impl::is_ready(std::uint32_t sequence) const {
  const auto at = slots.find(sequence);
  if (at == slots.end() || !at->second.for_ticket || at->second.discard) return false;
  return at->second.reply || broken;
}

// A program that never asks next_ready() must not pay for it for ever.
void Client::Impl::tidy_ready() {
  if (ready.size() < kFewReady || ready.size() / 2 < slots.size()) return;
  std::erase_if(ready, [this](std::uint32_t sequence) { return !is_ready(sequence); });
}

Result<void> Client::Impl::exchange(const Patience& patience) {
  if (Result<void> sent = connection->send_some(); !sent) return sent;
  if (Result<void> moved = connection->await(patience); !moved) return moved;
  return take_frames();
}

Result<void> Client::Impl::receive(const Patience& patience) {
  if (loss) return come_back(patience);  // waiting for it was cut short
  Result<void> step = exchange(patience);
  if (step || !may_come_back(step.error())) return checked(std::move(step));
  constexpr Nanoseconds kFirstPauseNs = 10'000'000;
  loss = Loss{step.error(), monotonic_ns() + Nanoseconds{daemon.grace_ms} * 1'000'000,
              kFirstPauseNs};
  return come_back(patience);
}

Result<model::Reply> Client::Impl::wait(std::uint32_t sequence,
                                        const Patience& patience) {
  const auto at = slots.find(sequence);
  if (at == slots.end() || at->second.discard)
    return Error(Errc::InvalidArgument, "unknown_ticket",
                 "no reply is outstanding for this ticket");
  Slot& slot = at->second;  // stays where it is while others come and go
  while (!slot.reply) {
    if (broken) return *broken;
    // A reply may have come in the same read as what broke the connection.
    if (Result<void> got = receive(patience); !got && !slot.reply)
      return std::move(got).error();
  }
  model::Reply reply = *std::move(slot.reply);
  slots.erase(sequence);
  tidy_ready();
  if (auto* error = std::get_if<Error>(&reply)) return std::move(*error);
  return reply;
}

Result<void> Client::Impl::queue_cancel(std::uint32_t submitted) {
  const auto at = slots.find(submitted);
  if (at == slots.end())
    return Error(Errc::InvalidArgument, "unknown_ticket",
                 "no reply is outstanding for this ticket");
  at->second.cancelled = true;
  model::JobRef job = model::SubmitSequence{submitted};
  if (at->second.attached) job = *at->second.attached;
  Result<std::uint32_t> sequence = queue(model::Cancel{job}, {});
  if (!sequence) return std::move(sequence).error();
  slots[*sequence].discard = true;
  return {};
}

Result<void> Client::Impl::send_early() {
  if (connection->unsent_bytes() < kSendEarlyBytes) return {};
  return checked(connection->send_some());
}

Result<std::unique_ptr<Client>> Client::connect(const std::string& socket_path,
                                                const ConnectOptions& options) {
  Result<UniqueFd> socket = ipc::connect_to(socket_path);
  if (!socket) return std::move(socket).error();
  Result<std::unique_ptr<Client>> client = adopt(*std::move(socket), options);
  if (client) (*client)->impl_->path = socket_path;
  return client;
}

Result<std::unique_ptr<Client>> Client::adopt(UniqueFd connected,
                                              const ConnectOptions& options) {
  std::unique_ptr<Client> client(
      new Client(std::make_unique<Impl>(std::move(connected))));
  const model::Hello hello{ipc::kProtocolVersion, 0, TALLY_VERSION,
                           static_cast<std::uint32_t>(::getpid())};
  Result<model::Reply> reply = client->call(hello, {}, options.timeout);
  if (!reply) return std::move(reply).error();
  const auto* daemon = std::get_if<model::Hello>(&*reply);
  if (daemon == nullptr)
    return Error(Errc::ProtocolViolation, "no_hello",
                 "the daemon answered the hello with something else");
  if (daemon->protocol != ipc::kProtocolVersion) return wrong_version(*daemon);
  client->impl_->daemon = *daemon;
  return client;
}

Client::Client(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}

Client::~Client() = default;

const model::Hello& Client::daemon() const {
  return impl_->daemon;
}

int Client::fd() const {
  return impl_->connection->fd();
}

Result<Ticket> Client::submit(const model::JobSpec& spec, std::span<const int> fds,
                              model::ReplyWhen reply_when, ProgressCallback progress,
                              FileOpener files) {
  model::Submit request{spec, reply_when, static_cast<bool>(progress)};
  std::unique_ptr<KeptJob> kept = impl_->keep(request, fds);
  Result<std::uint32_t> sequence = impl_->queue(std::move(request), fds);
  if (!sequence) return std::move(sequence).error();
  Impl::Slot& slot = impl_->slots[*sequence];
  slot.kept = std::move(kept);
  slot.for_ticket = true;
  slot.progress = std::move(progress);
  slot.files = std::move(files);
  if (Result<void> sent = impl_->send_early(); !sent) return std::move(sent).error();
  return Ticket{*sequence};
}

Result<Ticket> Client::attach(model::JobId id) {
  Result<std::uint32_t> sequence = impl_->queue(model::Wait{id}, {});
  if (!sequence) return std::move(sequence).error();
  Impl::Slot& slot = impl_->slots[*sequence];
  slot.for_ticket = true;
  slot.attached = id;
  if (Result<void> sent = impl_->send_early(); !sent) return std::move(sent).error();
  return Ticket{*sequence};
}

bool Client::pending_input() const {
  return !impl_->broken;
}

bool Client::pending_output() const {
  return !impl_->broken && impl_->connection->unsent_bytes() > 0;
}

Result<void> Client::dispatch() {
  impl_->polled = true;
  if (impl_->loss) impl_->lost(impl_->loss->why);
  if (impl_->broken) return *impl_->broken;
  if (Result<void> sent = impl_->checked(impl_->connection->send_some()); !sent)
    return sent;
  for (;;) {
    Result<bool> received = impl_->connection->receive_some();
    if (!received) return impl_->checked(std::move(received).error());
    // What was received may have asked for files.
    if (!*received) return impl_->checked(impl_->connection->send_some());
    if (Result<void> taken = impl_->checked(impl_->take_frames()); !taken) return taken;
  }
}

std::optional<Ticket> Client::next_ready() {
  while (!impl_->ready.empty()) {
    const std::uint32_t sequence = impl_->ready.front();
    impl_->ready.pop_front();
    if (impl_->is_ready(sequence)) return Ticket{sequence};
  }
  return std::nullopt;
}

Result<void> Client::flush(int interrupt_fd) {
  if (impl_->broken) return *impl_->broken;
  if (Result<void> sent = impl_->checked(impl_->connection->send_some()); !sent)
    return sent;
  while (impl_->connection->unsent_bytes() > 0)
    if (Result<void> moved = impl_->receive({0, interrupt_fd}); !moved) return moved;
  return {};
}

Result<model::Reply> Client::wait(Ticket ticket, int interrupt_fd) {
  return impl_->wait(ticket.sequence, {0, interrupt_fd});
}

Result<void> Client::cancel(Ticket ticket, int interrupt_fd) {
  if (Result<void> queued = impl_->queue_cancel(ticket.sequence); !queued)
    return queued;
  return flush(interrupt_fd);
}

void Client::abandon(Ticket ticket) {
  // Where this fails the connection is lost, and the job with it.
  if (Result<void> queued = impl_->queue_cancel(ticket.sequence); queued)
    (void)impl_->checked(impl_->connection->send_some());
  const auto at = impl_->slots.find(ticket.sequence);
  if (at == impl_->slots.end()) return;
  if (at->second.reply)
    impl_->slots.erase(at);
  else
    at->second.discard = true;
}

void Client::leave() {
  if (impl_->broken || !impl_->awaits_kept_jobs()) return;
  if (impl_->queue(model::Leave{}, {})) (void)impl_->connection->send_some();
}

Result<model::Reply> Client::call(const model::Request& request,
                                  std::span<const int> fds,
                                  std::chrono::nanoseconds timeout, int interrupt_fd,
                                  FileOpener files) {
  Result<std::uint32_t> sequence = impl_->queue(request, fds);
  if (!sequence) return std::move(sequence).error();
  impl_->slots[*sequence].files = std::move(files);
  const Patience patience{deadline_after(timeout), interrupt_fd};
  Result<model::Reply> reply = impl_->wait(*sequence, patience);
  // Given up on: if its reply comes after all, it is dropped.
  if (const auto left = impl_->slots.find(*sequence); left != impl_->slots.end())
    left->second.discard = true;
  return reply;
}

}  // namespace tally::client

// Client: back to a daemon to which the connection was lost while it had jobs of ours.
#include <poll.h>
#include <signal.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <string>
#include <utility>
#include <vector>

#include "client/client_impl.h"
#include "ipc/codec/control_codec.h"
#include "ipc/endpoint.h"
#include "ipc/frame.h"

namespace tally::client {
namespace {

constexpr Nanoseconds kLongestPauseNs = 1'000'000'000;

Error restarted(const Error& why) {
  return Error(Errc::Unavailable, why.code(),
               "the connection was lost, and the daemon that answers now is another: "
               "the job ended with the one that had it");
}

// It may be in another PID namespace: then this is a guess, and we do not wait.
bool process_lives(std::uint32_t pid) {
  return ::kill(static_cast<pid_t>(pid), 0) == 0 || errno == EPERM;
}

bool is_up(const Patience& patience) {
  return patience.deadline_ns != 0 && monotonic_ns() >= patience.deadline_ns;
}

// The earlier of both ends.
Patience until(const Patience& patience, Nanoseconds deadline_ns) {
  if (patience.deadline_ns != 0)
    deadline_ns = std::min(deadline_ns, patience.deadline_ns);
  return {deadline_ns, patience.interrupt_fd};
}

// Errors: those of a Patience that is up.
Result<void> sleep(Nanoseconds pause_ns, const Patience& patience) {
  const Patience slept = until(patience, monotonic_ns() + pause_ns);
  pollfd watched{patience.interrupt_fd, POLLIN, 0};
  for (;;) {
    const Nanoseconds now = monotonic_ns();
    if (now >= slept.deadline_ns) break;
    const auto left = static_cast<int>((slept.deadline_ns - now) / 1'000'000 + 1);
    const int ready = ::poll(&watched, 1, left);
    if (ready < 0 && errno != EINTR) return Error::from_errno("poll");
    if (ready > 0)
      return Error(Errc::Cancelled, "interrupted", "waiting was interrupted");
  }
  if (is_up(patience))
    return Error(Errc::DeadlineExceeded, "the daemon did not answer in time");
  return {};
}

// The reply to the first request of a connection. Errors: as Connection::await().
Result<model::Reply> first_reply(Connection& connection, const model::Request& request,
                                 const Patience& patience) {
  if (Result<void> queued = connection.queue(1, request, {}); !queued)
    return std::move(queued).error();
  for (;;) {
    if (Result<void> sent = connection.send_some(); !sent)
      return std::move(sent).error();
    if (Result<void> moved = connection.await(patience); !moved)
      return std::move(moved).error();
    const Result<std::optional<ipc::Frame>> frame = connection.next();
    if (!frame) return frame.error();
    if (*frame) return ipc::read_reply((*frame)->body);
  }
}

}  // namespace

std::unique_ptr<KeptJob> Client::Impl::keep(model::Submit& request,
                                            std::span<const int> fds) {
  const bool waited_for = (daemon.features & model::Hello::kFeatureGrace) != 0;
  if (!waited_for || path.empty() || polled) return nullptr;
  return KeptJob::make(request, fds, kept_descriptors);
}

bool Client::Impl::awaits_kept_jobs() const {
  return std::any_of(slots.begin(), slots.end(), [](const auto& entry) {
    return entry.second.kept != nullptr && !entry.second.discard;
  });
}

bool Client::Impl::may_come_back(const Error& error) const {
  return error.code() == "connection_lost" && !broken && !polled && awaits_kept_jobs();
}

// Errors: those of a Patience that is up, and the way back may go on; else the loss.
Result<void> Client::Impl::come_back(const Patience& patience) {
  Error why = loss->why;
  while (monotonic_ns() < loss->until_ns) {
    Result<std::optional<Connection>> fresh = dial_again(patience);
    if (fresh && *fresh) {
      connection.emplace(**std::move(fresh));
      loss.reset();
      submit_again(why);
      return {};
    }
    if (!fresh && (is_up(patience) || fresh.error().code() == "interrupted"))
      return std::move(fresh).error();
    if (!fresh) {
      why = fresh.error();
      break;
    }
    if (Result<void> slept = sleep(loss->pause_ns, until(patience, loss->until_ns));
        !slept && monotonic_ns() < loss->until_ns)
      return slept;
    loss->pause_ns = std::min(2 * loss->pause_ns, kLongestPauseNs);
  }
  loss.reset();
  lost(why);
  return why;
}

// None: not now. Errors: those of a Patience that is up, "connection_lost": in vain.
Result<std::optional<Connection>> Client::Impl::dial_again(const Patience& patience) {
  Result<UniqueFd> socket = ipc::connect_to(path);
  if (!socket) {
    if (!process_lives(daemon.pid)) return loss->why;
    return std::optional<Connection>();
  }
  Connection fresh(*std::move(socket));
  const model::Hello hello{ipc::kProtocolVersion, 0, TALLY_VERSION,
                           static_cast<std::uint32_t>(::getpid())};
  const Result<model::Reply> reply =
      first_reply(fresh, hello, until(patience, loss->until_ns));
  if (!reply) {
    const bool cut_short = is_up(patience) || reply.error().code() == "interrupted";
    if (cut_short) return reply.error();
    return std::optional<Connection>();
  }
  const auto* there = std::get_if<model::Hello>(&*reply);
  if (there == nullptr) return std::optional<Connection>();  // too many sessions
  if (there->tag != daemon.tag) return restarted(loss->why);
  return std::optional<Connection>(std::move(fresh));
}

// What cannot be asked for again ends with the old connection. So did what was asked of
// the jobs' ends, perhaps.
void Client::Impl::submit_again(const Error& why) {
  std::vector<std::string> abandoned;
  std::erase_if(slots, [&](const auto& entry) {
    const Slot& slot = entry.second;
    if (slot.discard && slot.kept)
      abandoned.push_back(slot.kept->request().spec.client_id);
    return slot.discard;
  });
  std::vector<std::uint32_t> sequences;
  for (const auto& [sequence, slot] : slots)
    if (!slot.reply) sequences.push_back(sequence);
  std::sort(sequences.begin(), sequences.end());
  for (const std::uint32_t sequence : sequences) submit_again(sequence, why);
  for (const std::uint32_t sequence : sequences)
    if (const Slot& slot = slots.at(sequence); slot.cancelled && !slot.reply)
      (void)queue_cancel(sequence);
  for (std::string& id : abandoned)
    if (const auto sequence = queue(model::Cancel{model::ClientId{std::move(id)}}, {}))
      slots.at(*sequence).discard = true;
}

void Client::Impl::submit_again(std::uint32_t sequence, const Error& why) {
  Slot& slot = slots.at(sequence);
  Result<void> queued = why;
  if (slot.kept)
    queued = connection->queue(sequence, slot.kept->request(), slot.kept->fds());
  else if (slot.attached)
    queued = connection->queue(sequence, model::Wait{*slot.attached}, {});
  if (queued) return;
  slot.reply = queued.error();
  slot.kept.reset();
  if (slot.for_ticket) ready.push_back(sequence);
}

}  // namespace tally::client

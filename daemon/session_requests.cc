// Session: requests: which there are, how many may wait, and those that are of the
// daemon.
#include <unistd.h>

#include <string>
#include <utility>

#include "daemon/session.h"
#include "ipc/codec/control_codec.h"

namespace tally::daemon {
namespace {

constexpr std::uint32_t kMostWaits = 10'000;  // of one session, while few share

}  // namespace

bool Session::handle(ipc::Frame& frame, Nanoseconds received_ns) {
  const std::uint32_t sequence = frame.header.sequence;
  if (frame.header.kind != ipc::FrameKind::Request) {
    reply(sequence, Error(Errc::ProtocolViolation, "bad_kind",
                          "a client sends requests, nothing else"));
    return false;
  }
  Result<model::Request> request = ipc::read_request(frame.body);
  if (!request) {
    reply(sequence, request.error());
    return request.error().errc() != Errc::ProtocolViolation;
  }
  if (!greeted_) return greet(sequence, *request);

  if (auto* submitted = std::get_if<model::Submit>(&*request))
    submit(sequence, std::move(*submitted), frame.fds, received_ns, frame.body.size());
  else if (const auto* waited = std::get_if<model::Wait>(&*request))
    wait(sequence, waited->job);
  else if (const auto* asked = std::get_if<model::Status>(&*request))
    status(sequence, asked->job);
  else if (std::holds_alternative<model::List>(*request))
    list(sequence);
  else if (const auto* cancelled = std::get_if<model::Cancel>(&*request))
    cancel(sequence, cancelled->job);
  else if (auto* explained = std::get_if<model::Explain>(&*request))
    explain(sequence, std::move(explained->spec), frame.fds, received_ns,
            frame.body.size());
  else if (std::holds_alternative<model::GetServerStatus>(*request))
    server_status(sequence);
  else if (std::holds_alternative<model::Drain>(*request))
    drain(sequence);
  else if (auto* listed = std::get_if<model::ListKernels>(&*request))
    list_kernels(sequence, std::move(*listed), frame.fds);
  else if (auto* sent = std::get_if<model::SendFiles>(&*request))
    files(sequence, std::move(*sent), frame.fds);
  else if (std::holds_alternative<model::Ping>(*request))
    reply(sequence, model::Done{});
  else if (std::holds_alternative<model::Leave>(*request))
    said_leave_ = true;
  else
    reply(sequence, Error(Errc::InvalidArgument, "hello_again",
                          "the hello is the first request and the only one"));
  return !said_leave_;
}

bool Session::greet(std::uint32_t sequence, const model::Request& request) {
  const auto* hello = std::get_if<model::Hello>(&request);
  if (hello == nullptr) {
    reply(sequence, Error(Errc::ProtocolViolation, "no_hello",
                          "the first request of a session is the hello"));
    return false;
  }
  if (options_.refusal) {
    reply(sequence, *options_.refusal);
    return false;
  }
  model::Hello ours{ipc::kProtocolVersion, 0, TALLY_VERSION,
                    static_cast<std::uint32_t>(::getpid())};
  ours.tag = engine_.tag();
  if (options_.grace.count() > 0) {
    ours.features = model::Hello::kFeatureGrace;
    ours.grace_ms = static_cast<std::uint32_t>(
        std::chrono::ceil<std::chrono::milliseconds>(options_.grace).count());
  }
  if (hello->protocol != ipc::kProtocolVersion) {
    reply(sequence,
          Error(Errc::ProtocolViolation, "version_mismatch",
                "the client speaks protocol " + std::to_string(hello->protocol) +
                    ", this daemon (version " TALLY_VERSION ") speaks " +
                    std::to_string(ipc::kProtocolVersion))
              .with("daemon_protocol", std::int64_t{ipc::kProtocolVersion}));
    return false;
  }
  greeted_ = true;
  greeting_.cancel();
  reply(sequence, ours);
  return true;
}

bool Session::may_see(std::uint32_t uid) const {
  return options_.administrator || uid == peer_.uid;
}

// Their answers come all at once, if it is one job's end, and may be unsent then.
std::uint32_t Session::most_waits() const {
  return static_cast<std::uint32_t>(kMostWaits *
                                    host_.accounts().unsent_bytes(peer_.uid) /
                                    SessionAccounts::kMostUnsentBytes);
}

// A request that is answered later is held meanwhile: not any number of them.
bool Session::may_wait(std::uint32_t sequence) {
  const std::uint32_t most = most_waits();
  if (waits_ < most) return true;
  reply(sequence,
        Error(Errc::Overloaded, "too_many_waits",
              "this session waits for " + std::to_string(waits_) + " answers already")
            .with("limit", std::int64_t{most})
            .with("in_use", std::int64_t{waits_})
            .with("retry_after_ms", std::int64_t{100}));
  return false;
}

void Session::list_kernels(std::uint32_t sequence, model::ListKernels request,
                           std::vector<UniqueFd>& fds) {
  if (!may_wait(sequence)) return;
  ++waits_;
  engine_.list_kernels(peer_.uid, std::move(request.files), std::move(fds),
                       [weak = weak_from_this(),
                        sequence](Result<std::vector<model::ListedKernel>> kernels) {
                         const auto self = weak.lock();
                         if (!self || self->ended_) return;
                         --self->waits_;
                         if (!kernels) return self->reply(sequence, kernels.error());
                         self->reply(sequence, *std::move(kernels));
                       });
}

void Session::server_status(std::uint32_t sequence) {
  if (!may_wait(sequence)) return;
  ++waits_;
  ++statuses_owed_;
  engine_.status([weak = weak_from_this(), sequence](const auto& known) {
    const auto self = weak.lock();
    if (!self || self->ended_) return;
    // One reading may be for very many.
    TurnQueue& turns = self->host_.turns();
    if (turns.is_free(monotonic_ns())) return self->tell_status(sequence, *known);
    turns.wait(TurnQueue::key_of(self->peer_),
               [self, sequence, known] { self->tell_status(sequence, *known); });
  });
}

void Session::tell_status(std::uint32_t sequence, model::ServerStatus status) {
  --waits_;
  --statuses_owed_;
  host_.complete(status);
  hide_others(status);
  const std::size_t before = out_.size();
  reply(sequence, std::move(status));
  if (out_.size() > before) status_bytes_ = out_.size() - before;
}

// What others' jobs do is theirs to know. A job that ended since, and was not kept, is
// nobody's any more and is hidden too.
void Session::hide_others(model::ServerStatus& status) const {
  if (options_.administrator) return;
  for (model::WorkerStatus& worker : status.workers) {
    if (!worker.job) continue;
    std::optional<std::uint32_t> owner = engine_.owner(worker.job->number);
    if (const auto kept = engine_.ended(worker.job->number); kept) owner = kept->uid;
    if (owner && may_see(*owner)) continue;
    worker.job.reset();
    worker.doing.clear();
    worker.stalled_ns = 0;
    worker.process_state = '\0';
    worker.pss_bytes.reset();  // of its input and its kernels, mostly
    worker.rss_bytes.reset();
  }
  std::erase_if(status.limits, [&](const model::LimitUse& limit) {
    return limit.uid && *limit.uid != peer_.uid;
  });
  for (model::LimitUse& limit : status.limits)
    if (!limit.uid) limit.in_use.reset();
}

void Session::drain(std::uint32_t sequence) {
  if (!options_.administrator)
    return reply(sequence, Error(Errc::PermissionDenied, "not_administrator",
                                 "only root and the daemon's own user may drain it"));
  reply(sequence, model::Done{});
  host_.drain_requested();
}

}  // namespace tally::daemon

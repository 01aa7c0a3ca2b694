#include "daemon/session.h"

#include <sys/socket.h>
#include <unistd.h>

#include <asio/post.hpp>
#include <asio/redirect_error.hpp>
#include <asio/use_awaitable.hpp>

#include <algorithm>
#include <cerrno>
#include <string>
#include <utility>

#include "daemon/turn.h"
#include "ipc/codec/control_codec.h"

namespace tally::daemon {
namespace {

constexpr std::size_t kKeptCapacity = 1U << 18;
constexpr std::uint32_t kMostWaits = 10'000;  // of one session, while few share
constexpr std::chrono::seconds kHelloDeadline{10};
constexpr std::chrono::milliseconds kClosingStep{1};
constexpr std::chrono::seconds kFrameDeadline{10};

Error no_such_job(const std::string& what) {
  return Error(Errc::NotFound, "no_such_job", what);
}

}  // namespace

// Carries what becomes of one request back to its session, which may be gone.
class Session::Observer : public job::JobObserver {
 public:
  struct Role {
    bool submitted = false;       // else its request only waits for the job
    bool wants_progress = false;  // if it submitted it
    bool waits = false;           // counts against kMostWaits
  };
  Observer(const std::shared_ptr<Session>& session, std::uint32_t sequence,
           model::ReplyWhen reply_when, Role role)
      : session_(session), sequence_(sequence), reply_when_(reply_when), role_(role) {}

  void accepted(model::JobId id) override {
    const auto session = session_.lock();
    if (session && reply_when_ == model::ReplyWhen::Accepted)
      session->reply(sequence_, model::Accepted{id});
    replied_ = reply_when_ == model::ReplyWhen::Accepted;
  }

  void refused(const Error& why) override {
    const auto session = session_.lock();
    if (!session) return;
    session->reply(sequence_, why);
    leave(*session);
  }

  void ended(const std::shared_ptr<const job::EndedJob>& job) override {
    const auto session = session_.lock();
    if (!session) return;
    if (!replied_) session->reply_answer(sequence_, *job);
    leave(*session);
  }

  bool gone() const override { return session_.expired(); }

  void progress(const model::JobProgress& progress) override {
    if (const auto session = session_.lock(); session && role_.wants_progress)
      session->send_event(sequence_, progress);
  }

 private:
  void leave(Session& session) const {
    if (role_.submitted) session.forget(sequence_);
    if (role_.waits) --session.waits_;
  }

  const std::weak_ptr<Session> session_;
  const std::uint32_t sequence_;
  const model::ReplyWhen reply_when_;
  const Role role_;
  bool replied_ = false;
};

// Answers a cancellation once the job has stopped.
class Session::Cancelling : public job::JobObserver {
 public:
  Cancelling(const std::shared_ptr<Session>& session, std::uint32_t sequence)
      : session_(session), sequence_(sequence) {}

  void refused(const Error&) override { done(); }
  void ended(const std::shared_ptr<const job::EndedJob>&) override { done(); }

 private:
  void done() {
    const auto session = session_.lock();
    if (!session) return;
    --session->waits_;
    session->reply(sequence_, model::Done{});
  }

  const std::weak_ptr<Session> session_;
  const std::uint32_t sequence_;
};

Session::Session(Socket socket, ipc::Peer peer, Engine& engine, SessionHost& host,
                 Options options)
    : socket_(std::move(socket)),
      peer_(peer),
      engine_(engine),
      number_(engine.open_session()),
      host_(host),
      options_(std::move(options)),
      reader_(ipc::FrameLimits{}),
      rest_(socket_.get_executor()),
      greeting_(socket_.get_executor()),
      room_(socket_.get_executor()),
      closing_(socket_.get_executor()) {}

void Session::start(asio::io_context& loop) {
  greeting_.expires_after(kHelloDeadline);
  greeting_.async_wait([weak = weak_from_this()](asio::error_code error) {
    if (const auto self = weak.lock(); self && !error && !self->greeted_) self->stop();
  });
  ipc::spawn(loop, run(shared_from_this()),
             [self = shared_from_this()](const Result<void>& how) {
               self->end();
               self->host_.session_ended(self, how);
             });
}

void Session::stop() {
  if (stopping_) return;
  stopping_ = true;
  flush();
  asio::error_code ignored;
  socket_.shutdown(Socket::shutdown_receive, ignored);  // ends a pending read
  room_.cancel();
  closing_.cancel();
}

void Session::end() {
  ended_ = true;
  asio::error_code ignored;
  socket_.shutdown(Socket::shutdown_both, ignored);
  expect_no_rest();
  std::vector<UniqueFd> left = reader_.take_descriptors();
  count_descriptors();
  if (socket_.available(ignored) > 0)
    left.emplace_back(socket_.release(ignored));
  else
    socket_.close(ignored);
  engine_.close_later(std::move(left));
  engine_.close_session(number_);
  leave_attached();
}

// With the socket goes what is in it, unread: descriptors, for all that is known.
bool Session::leaves_descriptors() const {
  asio::error_code ignored;
  return reader_.holds_descriptors() || socket_.available(ignored) > 0;
}

void Session::leave_attached() {
  Turn turn(monotonic_ns());
  while (!submitted_.empty()) {
    // Cancelling calls back into forget().
    const SubmittedJob job = submitted_.begin()->second;
    submitted_.erase(submitted_.begin());
    if (job.attached && said_leave_ && engine_.leave(job.number))
      engine_.cancel(job.number, Error(Errc::Cancelled, "client_gone",
                                       "the client that the job was attached to left"));
    if (job.attached && !said_leave_ && host_.job_left(job.number, peer_)) ++going_on_;
    if (turn.over())
      return host_.turns().wait(TurnQueue::key_of(peer_), [self = shared_from_this()] {
        self->leave_attached();
      });
  }
  const Error gone(Errc::Cancelled, "client_gone", "the client is gone");
  for (const auto& [sequence, windows] : std::exchange(windows_, {}))
    windows->give_up(gone);
  if (going_on_ > 0) host_.jobs_go_on(going_on_, peer_);
}

// --- reading ---

asio::awaitable<Result<void>> Session::run(std::shared_ptr<Session> self) {
  Result<void> how = co_await read(self);
  // It is one of the sessions, which are so many, until what it leaves can be closed.
  while (self->engine_.closing_is_behind() && self->leaves_descriptors())
    co_await self->closing();
  co_return how;
}

asio::awaitable<Result<void>> Session::read(std::shared_ptr<Session> self) {
  while (!self->stopping_) {
    if (const auto why = self->count_descriptors()) co_return self->violated(*why);
    if (self->reader_.incomplete()) self->expect_rest();
    asio::error_code error;
    co_await self->socket_.async_wait(Socket::wait_read,
                                      asio::redirect_error(asio::use_awaitable, error));
    if (error) break;
    Nanoseconds received_ns = monotonic_ns();
    if (!self->host_.turns().is_free(received_ns)) {
      co_await self->host_.turns().turn_of(TurnQueue::key_of(self->peer_));
      received_ns = monotonic_ns();
    }
    const Result<ipc::Transfer> got =
        self->reader_.receive(self->socket_.native_handle(), MSG_DONTWAIT);
    if (!got) co_return self->violated(got.error());
    if (*got == ipc::Transfer::Closed) {
      if (self->rest_late_)
        co_return self->violated(
            Error(Errc::ProtocolViolation, "frame_too_slow",
                  "the rest of a frame did not come within " +
                      std::to_string(kFrameDeadline.count()) +
                      " s of its start; begin a frame when all of it is at hand"));
      if (self->reader_.mid_frame() && !self->stopping_)
        co_return Error(Errc::ProtocolViolation, "cut_short",
                        "the client closed in the middle of a frame");
      break;
    }
    self->in_turn_ = true;
    Turn turn(received_ns);
    while (!self->stopping_) {
      if (self->too_much_unsent()) {
        if (const auto why = self->count_descriptors()) co_return self->violated(*why);
        co_await self->room();
      }
      Result<std::optional<ipc::Frame>> frame = self->reader_.next();
      if (!frame) co_return self->violated(frame.error());
      if (!*frame) break;
      self->expect_no_rest();
      if (!self->handle(**frame, received_ns)) self->stopping_ = true;
      if ((*frame)->header.fd_count > 0) {
        // Those that no request took.
        self->engine_.close_later(std::move((*frame)->fds));
        while (!self->stopping_ && self->engine_.closing_is_behind())
          co_await self->closing();
      }
      if (turn.over()) {
        // Its replies wait for the last of the read: a send costs more than the turn.
        co_await self->host_.turns().turn_of(TurnQueue::key_of(self->peer_));
        turn = Turn(monotonic_ns());
      }
    }
    self->in_turn_ = false;
    self->flush();  // at once: going through the loop first costs two system calls
  }
  self->flush();
  co_return Result<void>();
}

// Until a client that does not read its replies has read most of them: until then no
// more of them are made.
asio::awaitable<void> Session::room() {
  expect_no_rest();  // it may have come; it is not looked at meanwhile
  in_turn_ = false;  // what is written meanwhile must not wait for us
  flush();
  while (!stopping_ && too_much_unsent()) {
    asio::error_code error;
    room_.expires_at(asio::steady_timer::time_point::max());
    co_await room_.async_wait(asio::redirect_error(asio::use_awaitable, error));
  }
}

// For a moment, in which descriptors are closed.
asio::awaitable<void> Session::closing() {
  in_turn_ = false;  // as above
  flush();
  asio::error_code error;
  closing_.expires_after(kClosingStep);
  co_await closing_.async_wait(asio::redirect_error(asio::use_awaitable, error));
}

// Sets the deadline for the frame that has begun, if it has none.
void Session::expect_rest() {
  if (std::exchange(rest_expected_, true)) return;
  rest_.expires_after(kFrameDeadline);
  rest_.async_wait([weak = weak_from_this()](asio::error_code error) {
    const auto self = weak.lock();
    if (!self || error || !self->rest_expected_) return;
    if (std::chrono::steady_clock::now() < self->rest_.expiry()) return;  // another's
    asio::error_code ignored;
    if (self->socket_.available(ignored) > 0) {  // it is we who are late
      self->rest_expected_ = false;
      return self->expect_rest();
    }
    self->rest_late_ = true;
    self->socket_.shutdown(Socket::shutdown_receive, ignored);  // ends a pending read
  });
}

void Session::expect_no_rest() {
  if (std::exchange(rest_expected_, false)) rest_.cancel();
}

// Whenever we wait for the client: it may have us hold them for as long.
std::optional<Error> Session::count_descriptors() {
  const std::size_t before = std::exchange(counted_descriptors_, reader_.descriptors());
  if (before == counted_descriptors_) return std::nullopt;
  return host_.accounts().waiting_descriptors(peer_.uid, before, counted_descriptors_);
}

// Answers a stream that is no stream of frames any more; its sequence is unknown.
Error Session::violated(const Error& why) {
  reply(0, why);
  flush();
  return why;
}

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

// --- requests ---

void Session::submit(std::uint32_t sequence, model::Submit submit,
                     std::vector<UniqueFd>& fds, Nanoseconds received_ns,
                     std::uint64_t bytes) {
  if (submitted_.contains(sequence) || windows_.contains(sequence))
    return reply(sequence, Error(Errc::InvalidArgument, "sequence_in_use",
                                 "a job submitted with this sequence is still alive"));
  // A job that is there costs its limits nothing more, but its observers do.
  const bool again = !submit.spec.client_id.empty() &&
                     engine_.find_client_id(submit.spec.client_id, peer_.uid);
  if (again && !may_wait(sequence)) return;
  if (again) ++waits_;
  Submission submission;
  const bool attached = !submit.spec.detached;
  submission.windows = open_windows(sequence, submit.spec);
  submission.keep =
      submit.spec.detached || submit.reply_when == model::ReplyWhen::Accepted;
  submission.spec = std::move(submit.spec);
  submission.fds = std::move(fds);
  submission.uid = peer_.uid;
  submission.received_ns = received_ns;
  submission.wants_progress = submit.want_progress;
  submission.bytes = bytes;
  submission.session = number_;
  // Known before submit(), which may end the job at once and forget it again.
  submitted_[sequence] = {0, attached};
  const model::JobId id = engine_.submit(
      std::move(submission),
      std::make_shared<Observer>(shared_from_this(), sequence, submit.reply_when,
                                 Observer::Role{true, submit.want_progress, again}));
  const auto alive = submitted_.find(sequence);
  if (alive != submitted_.end()) alive->second.number = id.number;
}

void Session::forget(std::uint32_t sequence) {
  submitted_.erase(sequence);
  windows_.erase(sequence);
}

bool Session::may_see(std::uint32_t uid) const {
  return options_.administrator || uid == peer_.uid;
}

Result<std::uint64_t> Session::resolve(const model::JobRef& ref) {
  if (const auto* by_sequence = std::get_if<model::SubmitSequence>(&ref)) {
    const auto found = submitted_.find(by_sequence->sequence);
    if (found == submitted_.end())
      return no_such_job("no job of this session has that sequence, or it has ended");
    return found->second.number;
  }
  if (const auto* by_client = std::get_if<model::ClientId>(&ref)) {
    const std::optional<std::uint64_t> found =
        engine_.find_client_id(by_client->text, peer_.uid);
    if (!found)
      return no_such_job("no job with the client id '" + by_client->text + "'");
    return *found;
  }
  const auto* const by_pattern = std::get_if<model::JobIdPattern>(&ref);
  const model::JobId id = by_pattern
                              ? model::JobId{by_pattern->tag_prefix, by_pattern->number}
                              : std::get<model::JobId>(ref);
  const model::JobId ours{engine_.tag(), id.number};
  if (by_pattern ? !by_pattern->matches(ours) : id != ours)
    return Error(Errc::NotFound, "daemon_restarted",
                 "job " + short_name(id) +
                     " is not of this daemon, which has been "
                     "started anew since; results do not outlive the daemon");
  return id.number;
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

void Session::wait(std::uint32_t sequence, const model::JobRef& ref) {
  const Result<std::uint64_t> number = resolve(ref);
  if (!number) return reply(sequence, number.error());
  const std::optional<std::uint32_t> owner = engine_.owner(*number);
  if (owner && may_see(*owner)) {
    if (!may_wait(sequence)) return;
    ++waits_;
    engine_.watch(*number, std::make_shared<Observer>(shared_from_this(), sequence,
                                                      model::ReplyWhen::Finished,
                                                      Observer::Role{.waits = true}));
    return;
  }
  const auto ended = engine_.ended(*number);
  if (!ended || !may_see(ended->uid))
    return reply(sequence, no_such_job("there is no job " + std::to_string(*number) +
                                       " (any more)"));
  reply_answer(sequence, *ended);
}

void Session::status(std::uint32_t sequence, const model::JobRef& ref) {
  const Result<std::uint64_t> number = resolve(ref);
  if (!number) return reply(sequence, number.error());
  const std::optional<std::uint32_t> owner = engine_.owner(*number);
  if (owner && may_see(*owner))
    return reply_answer(sequence, *engine_.snapshot(*number));
  const auto ended = engine_.ended(*number);
  if (!ended || !may_see(ended->uid))
    return reply(sequence, no_such_job("there is no job " + std::to_string(*number) +
                                       " (any more)"));
  reply_answer(sequence, *ended);
}

void Session::cancel(std::uint32_t sequence, const model::JobRef& ref) {
  const Result<std::uint64_t> number = resolve(ref);
  if (!number) return reply(sequence, number.error());
  const std::optional<std::uint32_t> owner = engine_.owner(*number);
  if (!owner || !may_see(*owner))
    return reply(sequence, no_such_job("there is no job " + std::to_string(*number) +
                                       " to cancel; it may have ended"));
  if (!may_wait(sequence)) return;
  ++waits_;
  engine_.watch(*number, std::make_shared<Cancelling>(shared_from_this(), sequence));
  engine_.cancel(*number, Error(Errc::Cancelled, "cancelled",
                                "the job was cancelled by its user"));
}

void Session::explain(std::uint32_t sequence, model::JobSpec spec,
                      std::vector<UniqueFd>& fds, Nanoseconds received_ns,
                      std::uint64_t bytes) {
  if (submitted_.contains(sequence) || windows_.contains(sequence))
    return reply(sequence, Error(Errc::InvalidArgument, "sequence_in_use",
                                 "a request with this sequence is still alive"));
  Submission submission;
  submission.bytes = bytes;
  submission.windows = open_windows(sequence, spec);
  submission.spec = std::move(spec);
  submission.fds = std::move(fds);
  submission.uid = peer_.uid;
  submission.received_ns = received_ns;
  engine_.explain(std::move(submission),
                  [weak = weak_from_this(), sequence](Result<model::JobPlan> plan) {
                    const auto self = weak.lock();
                    if (!self) return;
                    self->windows_.erase(sequence);
                    if (!plan) return self->reply(sequence, plan.error());
                    self->reply(sequence, *std::move(plan));
                  });
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

void Session::list(std::uint32_t sequence) {
  std::vector<model::JobSummary> jobs = engine_.list();
  std::erase_if(jobs, [&](const auto& job) { return !may_see(job.uid); });
  reply(sequence, std::move(jobs));
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

// --- writing ---

void Session::reply(std::uint32_t sequence, const model::Reply& reply) {
  if (ended_) return;
  ipc::append_reply(out_, sequence, reply);
  written();
}

void Session::reply_answer(std::uint32_t sequence, const job::EndedJob& job) {
  if (ended_) return;
  ipc::append_answer(out_, sequence, job.answer, job.elapsed_ns, monotonic_ns());
  written();
}

void Session::send_event(std::uint32_t sequence, const model::JobProgress& progress) {
  // A client that does not read gets no more news, only answers.
  if (ended_ || too_much_unsent()) return;
  ipc::append_event(out_, sequence, progress);
  written();
}

bool Session::too_much_unsent() const {
  const std::size_t bytes = unsent() + statuses_owed_ * status_bytes_;
  // The first is no more than a comparison, for those who read.
  return bytes > SessionAccounts::kLeastUnsentBytes &&
         bytes > host_.accounts().unsent_bytes(peer_.uid);
}

// Their answers come all at once, if it is one job's end, and may be unsent then.
std::uint32_t Session::most_waits() const {
  return static_cast<std::uint32_t>(kMostWaits *
                                    host_.accounts().unsent_bytes(peer_.uid) /
                                    SessionAccounts::kMostUnsentBytes);
}

void Session::written() {
  if (flush_asked_ || writing_ || in_turn_) return;
  flush_asked_ = true;
  host_.flush_later(shared_from_this());
}

void Session::flush() {
  flush_asked_ = false;
  if (ended_ || writing_) return;
  if (!send_some()) return;
  writing_ = true;
  socket_.async_wait(Socket::wait_write,
                     [self = shared_from_this()](asio::error_code error) {
                       self->writing_ = false;
                       if (!error) self->flush();
                     });
}

// Sends what the socket takes; true if it is full and more is left.
bool Session::send_some() {
  while (unsent() > 0) {
    const ssize_t sent = ::send(socket_.native_handle(), out_.data() + sent_, unsent(),
                                MSG_DONTWAIT | MSG_NOSIGNAL);
    if (sent < 0 && errno == EINTR) continue;
    if (sent < 0 && (errno == EAGAIN || errno == EWOULDBLOCK)) return true;
    if (sent < 0) {
      // The peer is gone, or there is no memory. A reply is lost: the session ends, as
      // its reader sees, and the peer with it.
      asio::error_code ignored;
      socket_.shutdown(Socket::shutdown_both, ignored);
      out_.clear();
      sent_ = 0;
      break;
    }
    sent_ += static_cast<std::size_t>(sent);
  }
  out_.clear();
  sent_ = 0;
  if (out_.capacity() > kKeptCapacity) ipc::Bytes().swap(out_);
  room_.cancel();
  return false;
}

}  // namespace tally::daemon

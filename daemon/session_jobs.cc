// Session: requests about jobs: those of this client and those that it may see.
#include <string>
#include <utility>

#include "daemon/session.h"

namespace tally::daemon {
namespace {

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
    bool waits = false;           // counts against most_waits()
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

void Session::list(std::uint32_t sequence) {
  std::vector<model::JobSummary> jobs = engine_.list();
  std::erase_if(jobs, [&](const auto& job) { return !may_see(job.uid); });
  reply(sequence, std::move(jobs));
}

}  // namespace tally::daemon

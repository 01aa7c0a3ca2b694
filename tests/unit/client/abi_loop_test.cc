// The C ABI in a host that does more than wait: event loops, progress, detached jobs,
// interrupts, fork.
#include <fcntl.h>
#include <gtest/gtest.h>
#include <poll.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <atomic>
#include <cerrno>
#include <future>
#include <string>
#include <thread>
#include <vector>

#include "tests/unit/client/listener.h"

namespace tally {
namespace {

model::JobAnswer answer_of(std::uint64_t number,
                           model::JobState state = model::JobState::Done) {
  model::JobAnswer answer;
  answer.id = {0x7f3a91c2004be810, number};
  answer.state = state;
  if (state == model::JobState::Cancelled)
    answer.error = Error(Errc::Cancelled, "the job was cancelled");
  return answer;
}

// A client, a job, and what is left of them at the end.
class Host {
 public:
  explicit Host(const Listener& daemon, uint64_t flags = 0)
      : client(connect(daemon, flags)), job(range_job()) {}
  ~Host() {
    tally_job_free(job);
    tally_client_free(client);
  }
  Host(const Host&) = delete;
  Host& operator=(const Host&) = delete;

  tally_ticket submit(tally_submit_options options = {}) {
    options.struct_size = sizeof options;
    tally_ticket ticket = 0;
    EXPECT_EQ(tally_submit_with(client, job, &options, &ticket, nullptr), TALLY_OK);
    return ticket;
  }
  // Blocks in poll, as a host's event loop would.
  void await_events() {
    pollfd watched{tally_client_fd(client),
                   static_cast<short>(tally_client_events(client)), 0};
    EXPECT_EQ(::poll(&watched, 1, -1), 1);
  }
  void wait(tally_ticket ticket, Outcome& outcome) {
    outcome.status = tally_wait(client, ticket, &outcome.answer, &outcome.error);
  }

  tally_client* client;
  tally_job* job;
};

// A daemon that answers nothing until it is told to, then the last question first.
class HeldDaemon {
 public:
  explicit HeldDaemon(std::size_t jobs)
      : listener_(
            [this, jobs](Peer& peer, std::uint32_t sequence, const model::Request&) {
              asked_.push_back(sequence);
              if (asked_.size() < jobs) return;
              go_.get_future().wait();
              for (; !asked_.empty(); asked_.pop_back())
                peer.reply(asked_.back(), answer_of(asked_.back()));
            }) {}
  void let_go() { go_.set_value(); }
  const Listener& listener() const { return listener_; }

 private:
  std::promise<void> go_;
  std::vector<std::uint32_t> asked_;
  Listener listener_;
};

TEST(AbiLoop, DispatchDoesNotBlockAndTicketsComeInTheAnswersOrder) {
  HeldDaemon daemon(3);
  Host host(daemon.listener());
  int users[3] = {};
  tally_ticket tickets[3] = {};
  for (int i = 0; i < 3; ++i) {
    tally_submit_options options{};
    options.user = &users[i];
    tickets[i] = host.submit(options);
  }
  EXPECT_EQ(tally_client_events(host.client), POLLIN | POLLOUT);
  ASSERT_EQ(tally_client_dispatch(host.client, nullptr), TALLY_OK);
  EXPECT_EQ(tally_client_events(host.client), POLLIN) << "all is sent";
  EXPECT_EQ(tally_client_ready(host.client, nullptr), 0U);
  daemon.let_go();
  for (int i = 3; i-- > 0;) {
    void* user = nullptr;
    tally_ticket ticket = 0;
    while ((ticket = tally_client_ready(host.client, &user)) == 0) {
      host.await_events();
      ASSERT_EQ(tally_client_dispatch(host.client, nullptr), TALLY_OK);
    }
    EXPECT_EQ(ticket, tickets[i]);
    EXPECT_EQ(user, &users[i]);
    Outcome outcome;
    host.wait(ticket, outcome);
    EXPECT_EQ(outcome.status, TALLY_OK);
  }
  EXPECT_EQ(tally_client_ready(host.client, nullptr), 0U);
}

TEST(AbiLoop, ALostConnectionMakesEveryTicketReady) {
  const Listener daemon{Talker(
      [asked = 0](Peer& peer, std::uint32_t sequence, const model::Request&) mutable {
        if (++asked == 1) return peer.reply(sequence, answer_of(1));
        peer.hang_up();
      })};
  Host host(daemon);
  const tally_ticket tickets[2] = {host.submit(), host.submit()};
  Outcome end;
  while ((end.status = tally_client_dispatch(host.client, &end.error)) == TALLY_OK)
    host.await_events();
  EXPECT_STREQ(tally_error_code(end.error), "connection_lost");
  EXPECT_EQ(tally_client_events(host.client), 0);
  const tally_status expected[2] = {TALLY_OK, TALLY_UNAVAILABLE};
  for (int i = 0; i < 2; ++i) {
    EXPECT_EQ(tally_client_ready(host.client, nullptr), tickets[i]);
    Outcome outcome;
    host.wait(tickets[i], outcome);
    EXPECT_EQ(outcome.status, expected[i]) << "what came in time counts";
  }
  EXPECT_EQ(tally_client_ready(host.client, nullptr), 0U);
  EXPECT_EQ(tally_client_dispatch(host.client, nullptr), TALLY_UNAVAILABLE);
}

TEST(AbiLoop, WaitsBlockEvenIfTheHostMadeTheSocketNonBlocking) {
  HeldDaemon daemon(1);
  Host host(daemon.listener());
  const int fd = tally_client_fd(host.client);
  ASSERT_EQ(::fcntl(fd, F_SETFL, ::fcntl(fd, F_GETFL) | O_NONBLOCK), 0);
  const tally_ticket ticket = host.submit();
  ASSERT_EQ(tally_flush(host.client, nullptr), TALLY_OK);
  std::thread later([&] { daemon.let_go(); });
  Outcome outcome;
  host.wait(ticket, outcome);
  EXPECT_EQ(outcome.status, TALLY_OK);
  later.join();
}

TEST(AbiLoop, ProgressIsToldFromWithinTheWait) {
  const Listener daemon{
      Talker([](Peer& peer, std::uint32_t sequence, const model::Request& request) {
        EXPECT_TRUE(std::get<model::Submit>(request).want_progress);
        peer.event(sequence, {{1, 1}, 5, 10, true});
        peer.event(sequence, {{1, 1}, 10, 10, true});
        peer.reply(sequence, answer_of(1));
      })};
  Host host(daemon);
  std::vector<tally_progress> told;
  tally_submit_options options{};
  options.user = &told;
  options.progress = [](void* user, const tally_progress* at) {
    static_cast<std::vector<tally_progress>*>(user)->push_back(*at);
  };
  Outcome outcome;
  host.wait(host.submit(options), outcome);
  EXPECT_EQ(outcome.status, TALLY_OK);
  ASSERT_EQ(told.size(), 2U);
  EXPECT_EQ(told[0].struct_size, sizeof(tally_progress));
  EXPECT_EQ(told[0].done, 5U);
  EXPECT_EQ(told[1].done, 10U);
  EXPECT_EQ(told[1].total, 10U);
  EXPECT_EQ(told[1].in_bytes, 1);
}

TEST(AbiLoop, ADetachedJobIsTakenUpAgainByItsId) {
  const Listener daemon{Talker([](Peer& peer, std::uint32_t sequence,
                                  const model::Request& request) {
    if (const auto* submit = std::get_if<model::Submit>(&request)) {
      EXPECT_TRUE(submit->spec.detached);
      EXPECT_EQ(submit->reply_when, model::ReplyWhen::Accepted);
      return peer.reply(sequence, model::Accepted{{0x7f3a91c2004be810, 17}});
    }
    const auto& wait = std::get<model::Wait>(request);
    EXPECT_EQ(std::get<model::JobId>(wait.job), (model::JobId{0x7f3a91c2004be810, 17}));
    peer.reply(sequence, answer_of(17));
  })};
  Host host(daemon);
  tally_submit_options options{};
  options.flags = TALLY_SUBMIT_DETACHED;
  Outcome taken;
  host.wait(host.submit(options), taken);
  ASSERT_EQ(taken.status, TALLY_OK);
  EXPECT_EQ(tally_answer_state(taken.answer), TALLY_STATE_QUEUED);
  EXPECT_EQ(tally_answer_error(taken.answer), nullptr);
  const std::string job = tally_answer_job(taken.answer);
  EXPECT_EQ(job, "7f3a91c2004be810-17");
  tally_ticket ticket = 0;
  ASSERT_EQ(tally_attach(host.client, job.c_str(), nullptr, &ticket, nullptr),
            TALLY_OK);
  Outcome ended;
  host.wait(ticket, ended);
  EXPECT_EQ(ended.status, TALLY_OK);
  EXPECT_EQ(tally_answer_state(ended.answer), TALLY_STATE_DONE);
  Outcome bad;
  EXPECT_EQ(tally_attach(host.client, "7f3a-17", nullptr, &ticket, &bad.error),
            TALLY_INVALID_ARGUMENT)
      << "a short name may mean two jobs";
  EXPECT_STREQ(tally_error_code(bad.error), "bad_job_id");
}

TEST(AbiLoop, CancellingAnAttachedJobNamesTheJob) {
  std::atomic<bool> named = false;
  const Listener daemon{
      Talker([&, waiting = 0U](Peer& peer, std::uint32_t sequence,
                               const model::Request& request) mutable {
        if (std::holds_alternative<model::Wait>(request)) {
          waiting = sequence;
          return;
        }
        const auto& cancel = std::get<model::Cancel>(request);
        named = std::holds_alternative<model::JobId>(cancel.job);
        peer.reply(sequence, model::Done{});
        peer.reply(waiting, answer_of(17, model::JobState::Cancelled));
      })};
  Host host(daemon);
  tally_ticket ticket = 0;
  ASSERT_EQ(tally_attach(host.client, "7f3a91c2004be810-17", nullptr, &ticket, nullptr),
            TALLY_OK);
  ASSERT_EQ(tally_cancel(host.client, ticket, nullptr), TALLY_OK);
  Outcome outcome;
  host.wait(ticket, outcome);
  EXPECT_EQ(outcome.status, TALLY_CANCELLED);
  EXPECT_TRUE(named);
}

TEST(AbiLoop, AnInterruptFromAnotherThreadEndsOneWait) {
  HeldDaemon daemon(1);
  Host host(daemon.listener(), TALLY_CONNECT_INTERRUPTIBLE);
  const tally_ticket ticket = host.submit();
  std::thread other([&] { EXPECT_EQ(tally_client_interrupt(host.client), TALLY_OK); });
  Outcome interrupted;
  host.wait(ticket, interrupted);
  other.join();
  EXPECT_EQ(interrupted.status, TALLY_CANCELLED);
  EXPECT_STREQ(tally_error_code(interrupted.error), "interrupted");
  EXPECT_EQ(interrupted.answer, nullptr);
  daemon.let_go();
  Outcome outcome;
  host.wait(ticket, outcome);
  EXPECT_EQ(outcome.status, TALLY_OK) << "the ticket stays valid";
}

tally_client* signalled = nullptr;

TEST(AbiLoop, ASignalHandlerMayInterrupt) {
  HeldDaemon daemon(1);
  Host host(daemon.listener(), TALLY_CONNECT_INTERRUPTIBLE);
  signalled = host.client;
  struct sigaction action {};
  struct sigaction before {};
  action.sa_handler = [](int) { (void)tally_client_interrupt(signalled); };
  ASSERT_EQ(::sigaction(SIGUSR1, &action, &before), 0);
  errno = E2BIG;
  ASSERT_EQ(::raise(SIGUSR1), 0);
  EXPECT_EQ(errno, E2BIG);
  const tally_ticket ticket = host.submit();
  Outcome interrupted;
  host.wait(ticket, interrupted);
  EXPECT_STREQ(tally_error_code(interrupted.error), "interrupted");
  ASSERT_EQ(::sigaction(SIGUSR1, &before, nullptr), 0);
  daemon.let_go();
  Outcome outcome;
  host.wait(ticket, outcome);
  EXPECT_EQ(outcome.status, TALLY_OK);
}

TEST(AbiLoop, AnInterruptedRunCancelsItsJob) {
  const Listener daemon{Talker([submitted = 0U](Peer& peer, std::uint32_t sequence,
                                                const model::Request& request) mutable {
    if (std::holds_alternative<model::Submit>(request)) {
      submitted = sequence;
      return;
    }
    if (const auto* cancel = std::get_if<model::Cancel>(&request)) {
      const auto of = std::get<model::SubmitSequence>(cancel->job);
      EXPECT_EQ(of.sequence, submitted);
      peer.reply(submitted, answer_of(1, model::JobState::Cancelled));
    }
    peer.reply(sequence, model::Done{});
  })};
  Host host(daemon, TALLY_CONNECT_INTERRUPTIBLE);
  ASSERT_EQ(tally_client_interrupt(host.client), TALLY_OK);
  Outcome outcome;
  outcome.status = tally_run(host.client, host.job, &outcome.answer, &outcome.error);
  EXPECT_EQ(outcome.status, TALLY_CANCELLED);
  EXPECT_STREQ(tally_error_code(outcome.error), "interrupted");
  EXPECT_EQ(tally_ping(host.client, 0, nullptr), TALLY_OK);
  EXPECT_EQ(tally_client_ready(host.client, nullptr), 0U) << "nobody has its ticket";
}

TEST(AbiLoop, OnlyAnInterruptibleClientIsInterrupted) {
  const Listener daemon{Answerer([](const model::Request&) { return model::Done{}; })};
  const Host host(daemon);
  EXPECT_EQ(tally_client_interrupt(host.client), TALLY_INVALID_ARGUMENT);
  EXPECT_EQ(tally_client_interrupt(nullptr), TALLY_INVALID_ARGUMENT);
}

TEST(AbiLoop, FlagsThatAreNotKnownAreRefused) {
  const Listener daemon{Answerer([](const model::Request&) { return model::Done{}; })};
  const Host host(daemon);
  tally_submit_options options{};
  options.struct_size = sizeof options;
  options.flags = uint64_t{1} << 63;
  tally_ticket ticket = 0;
  Outcome outcome;
  EXPECT_EQ(tally_submit_with(host.client, host.job, &options, &ticket, &outcome.error),
            TALLY_INVALID_ARGUMENT);
  EXPECT_STREQ(tally_error_code(outcome.error), "unknown_flag");
}

// What a forked child may learn from its parent's client; the exit code.
int child_with(const Host& host) {
  tally_error* error = nullptr;
  tally_answer* answer = nullptr;
  const bool refused =
      tally_run(host.client, host.job, &answer, &error) == TALLY_INVALID_ARGUMENT &&
      std::string(tally_error_code(error)) == "forked";
  const bool deaf = tally_client_fd(host.client) == -1 &&
                    tally_client_events(host.client) == 0 &&
                    tally_client_ready(host.client, nullptr) == 0 &&
                    tally_client_interrupt(host.client) == TALLY_INVALID_ARGUMENT;
  tally_client_free(host.client);
  return refused && deaf ? 0 : 1;
}

TEST(AbiLoop, AForkedChildIsRefusedAndTheParentNoticesNothing) {
  const Listener daemon{Answerer([](const model::Request&) { return answer_of(1); })};
  Host host(daemon, TALLY_CONNECT_INTERRUPTIBLE);
  const tally_ticket ticket =
      host.submit();  // not yet sent: the child must not, either
  const pid_t child = ::fork();
  ASSERT_GE(child, 0);
  if (child == 0) ::_exit(child_with(host));
  int status = -1;
  ASSERT_EQ(::waitpid(child, &status, 0), child);
  EXPECT_EQ(status, 0);
  Outcome outcome;
  host.wait(ticket, outcome);
  EXPECT_EQ(outcome.status, TALLY_OK) << tally_error_message(outcome.error);
}

}  // namespace
}  // namespace tally

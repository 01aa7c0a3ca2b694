#include "client/client.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <cstring>
#include <string>

#include "tests/unit/client/fake_daemon.h"

namespace tally::client {
namespace {

using std::chrono::milliseconds;

model::JobAnswer answer_of(std::uint64_t number) {
  model::JobAnswer answer;
  answer.id = {1, number};
  answer.state = model::JobState::Done;
  return answer;
}

std::unique_ptr<Client> connected(FakeDaemon& daemon) {
  Result<std::unique_ptr<Client>> client = Client::adopt(daemon.take_client_end(), {});
  EXPECT_TRUE(client) << client.error().message();
  return *std::move(client);
}

std::string refusal_of_adopt(FakeDaemon::Script script, ConnectOptions options = {}) {
  FakeDaemon daemon(std::move(script));
  const auto client = Client::adopt(daemon.take_client_end(), options);
  return client ? "connected" : client.error().code();
}

model::JobSpec range_spec() {
  model::JobSpec spec;
  spec.reducers = {{"sum", {}, "", "sum"}};
  spec.source = model::RangeSource{0, 10, 1};
  return spec;
}

Ticket submit(Client& client) {
  const Result<Ticket> ticket =
      client.submit(range_spec(), {}, model::ReplyWhen::Finished);
  EXPECT_TRUE(ticket);
  return *ticket;
}

std::uint64_t number_of(const Result<model::Reply>& reply) {
  if (!reply) {
    ADD_FAILURE() << reply.error().message();
    return 0;
  }
  return std::get<model::JobAnswer>(*reply).id.number;
}

std::string code_of(const Result<model::Reply>& reply) {
  return reply ? "replied" : reply.error().code();
}

TEST(Client, SaysHelloFirstAndKnowsTheDaemon) {
  std::optional<Asked> hello;
  FakeDaemon daemon([&](FakeDaemon& it) {
    hello = it.next();
    it.reply(hello->sequence, model::Hello{1, 0, "9.9", 4000});
    it.wait_for_the_end();
  });
  const auto client = connected(daemon);
  EXPECT_EQ(client->daemon().pid, 4000U);
  EXPECT_EQ(client->daemon().version, "9.9");
  const auto& said = std::get<model::Hello>(hello->request);
  EXPECT_EQ(said.protocol, 1U);
  EXPECT_EQ(said.version, TALLY_VERSION);
  EXPECT_EQ(said.pid, static_cast<std::uint32_t>(::getpid()));
}

TEST(Client, RefusesADaemonOfAnotherProtocol) {
  EXPECT_EQ(refusal_of_adopt([](FakeDaemon& it) { it.greet(2); }), "version_mismatch");
}

TEST(Client, TellsWhyTheDaemonRefusedTheHello) {
  EXPECT_EQ(refusal_of_adopt([](FakeDaemon& it) {
              const auto hello = it.next();
              it.reply(hello->sequence, Error(Errc::PermissionDenied, "not_admitted",
                                              "this user is not admitted"));
            }),
            "not_admitted");
}

TEST(Client, RefusesADaemonThatSaysSomethingElse) {
  EXPECT_EQ(refusal_of_adopt([](FakeDaemon& it) {
              it.reply(it.next()->sequence, model::Done{});
              it.wait_for_the_end();
            }),
            "no_hello");
}

TEST(Client, GivesUpOnADaemonThatSaysNothing) {
  EXPECT_EQ(refusal_of_adopt([](FakeDaemon& it) { it.wait_for_the_end(); },
                             {milliseconds(20)}),
            "deadline_exceeded");
}

TEST(Client, NoticesADaemonThatLeavesBeforeItsHello) {
  EXPECT_EQ(refusal_of_adopt([](FakeDaemon& it) { (void)it.next(); }),
            "connection_lost");
}

TEST(Client, RepliesMayComeInAnyOrder) {
  FakeDaemon daemon([](FakeDaemon& it) {
    it.greet();
    std::vector<std::uint32_t> sequences;
    for (int i = 0; i < 3; ++i) sequences.push_back(it.next()->sequence);
    for (std::size_t i = 3; i-- > 0;) it.reply(sequences[i], answer_of(i));
    it.wait_for_the_end();
  });
  const auto client = connected(daemon);
  const Ticket tickets[] = {submit(*client), submit(*client), submit(*client)};
  EXPECT_EQ(number_of(client->wait(tickets[1])), 1U);
  EXPECT_EQ(number_of(client->wait(tickets[0])), 0U);
  EXPECT_EQ(number_of(client->wait(tickets[2])), 2U);
}

TEST(Client, ManyJobsMayBeInFlight) {
  constexpr std::uint32_t kJobs = 20'000;
  FakeDaemon daemon([](FakeDaemon& it) {
    it.greet();
    while (const auto asked = it.next())
      it.reply(asked->sequence, answer_of(asked->sequence));
  });
  const auto client = connected(daemon);
  std::vector<Ticket> tickets;
  for (std::uint32_t i = 0; i < kJobs; ++i) tickets.push_back(submit(*client));
  for (const Ticket ticket : tickets)
    ASSERT_EQ(number_of(client->wait(ticket)), ticket.sequence);
}

TEST(Client, OnlyTicketsThatNobodyWaitedForAreReady) {
  constexpr std::uint32_t kJobs = 1'000;
  FakeDaemon daemon([](FakeDaemon& it) {
    it.greet();
    while (const auto asked = it.next())
      it.reply(asked->sequence, answer_of(asked->sequence));
  });
  const auto client = connected(daemon);
  std::vector<Ticket> tickets;
  for (std::uint32_t i = 0; i < kJobs; ++i) tickets.push_back(submit(*client));
  for (std::uint32_t i = kJobs; i-- > 0;) {
    if (i % 100 == 0) continue;
    ASSERT_EQ(number_of(client->wait(tickets[i])), tickets[i].sequence);
  }
  for (std::uint32_t i = 0; i < kJobs; i += 100) {
    const std::optional<Ticket> ready = client->next_ready();
    ASSERT_TRUE(ready);
    EXPECT_EQ(ready->sequence, tickets[i].sequence);
    EXPECT_EQ(number_of(client->wait(*ready)), ready->sequence);
  }
  EXPECT_FALSE(client->next_ready());
}

TEST(Client, ATicketIsGoodForOneReply) {
  FakeDaemon daemon([](FakeDaemon& it) {
    it.greet();
    it.reply(it.next()->sequence, answer_of(1));
    it.wait_for_the_end();
  });
  const auto client = connected(daemon);
  const Ticket ticket = submit(*client);
  EXPECT_EQ(number_of(client->wait(ticket)), 1U);
  EXPECT_EQ(code_of(client->wait(ticket)), "unknown_ticket");
  EXPECT_EQ(code_of(client->wait(Ticket{12345})), "unknown_ticket");
}

TEST(Client, ARefusalIsAnErrorAndTheConnectionLives) {
  FakeDaemon daemon([](FakeDaemon& it) {
    it.greet();
    it.reply(it.next()->sequence, Error(Errc::Overloaded, "too_many_jobs", "busy")
                                      .with("limit", std::int64_t{5}));
    it.reply(it.next()->sequence, answer_of(2));
    it.wait_for_the_end();
  });
  const auto client = connected(daemon);
  const Ticket first = submit(*client);
  const Ticket second = submit(*client);
  EXPECT_EQ(code_of(client->wait(first)), "too_many_jobs");
  EXPECT_EQ(number_of(client->wait(second)), 2U);
}

TEST(Client, AConnectionLostInMidWaitEndsEveryWait) {
  FakeDaemon daemon([](FakeDaemon& it) {
    it.greet();
    it.reply(it.next()->sequence, answer_of(1));
    (void)it.next();
    (void)it.next();
  });
  const auto client = connected(daemon);
  const Ticket answered = submit(*client);
  const Ticket lost = submit(*client);
  const Ticket also_lost = submit(*client);
  Result<model::Reply> reply = client->wait(lost);
  ASSERT_FALSE(reply);
  EXPECT_EQ(reply.error().errc(), Errc::Unavailable);
  EXPECT_EQ(reply.error().code(), "connection_lost");
  EXPECT_EQ(code_of(client->wait(also_lost)), "connection_lost");
  EXPECT_EQ(number_of(client->wait(answered)), 1U) << "what came before counts";
  EXPECT_EQ(code_of(client->call(model::Ping{})), "connection_lost");
  EXPECT_FALSE(client->submit(range_spec(), {}, model::ReplyWhen::Finished));
}

TEST(Client, AGarbageReplyIsAProtocolViolation) {
  FakeDaemon daemon([](FakeDaemon& it) {
    it.greet();
    (void)it.next();
    it.send(ipc::Bytes(64, std::byte{'x'}));
    it.wait_for_the_end();
  });
  const auto client = connected(daemon);
  const Result<model::Reply> reply = client->wait(submit(*client));
  ASSERT_FALSE(reply);
  EXPECT_EQ(reply.error().errc(), Errc::ProtocolViolation);
  EXPECT_EQ(reply.error().code(), "bad_magic");
}

TEST(Client, AReplyThatCannotBeReadIsAProtocolViolation) {
  FakeDaemon daemon([](FakeDaemon& it) {
    it.greet();
    ipc::Bytes out;
    ipc::append_reply(out, it.next()->sequence, answer_of(1));
    std::memset(out.data() + ipc::kFrameHeaderBytes + 8, 0xff, 8);  // the root pointer
    it.send(out);
    it.wait_for_the_end();
  });
  const auto client = connected(daemon);
  const Result<model::Reply> reply = client->wait(submit(*client));
  ASSERT_FALSE(reply);
  EXPECT_EQ(reply.error().errc(), Errc::ProtocolViolation);
}

TEST(Client, AnAnswerToNothingIsAProtocolViolation) {
  FakeDaemon daemon([](FakeDaemon& it) {
    it.greet();
    it.reply(it.next()->sequence + 1000, answer_of(1));
    it.wait_for_the_end();
  });
  const auto client = connected(daemon);
  EXPECT_EQ(code_of(client->wait(submit(*client))), "unexpected_reply");
}

TEST(Client, TheDaemonsLastWordsAreTheReason) {
  FakeDaemon daemon([](FakeDaemon& it) {
    it.greet();
    (void)it.next();
    it.reply(0, Error(Errc::ProtocolViolation, "bad_body_size", "too large"));
  });
  const auto client = connected(daemon);
  EXPECT_EQ(code_of(client->wait(submit(*client))), "bad_body_size");
}

TEST(Client, ACallHasADeadlineAndItsLateReplyIsDropped) {
  UniqueFd gate[2];
  int ends[2];
  ASSERT_EQ(::pipe2(ends, O_CLOEXEC), 0);
  gate[0].reset(ends[0]);
  gate[1].reset(ends[1]);
  FakeDaemon daemon([&](FakeDaemon& it) {
    it.greet();
    const auto ping = it.next();
    char byte = 0;
    EXPECT_EQ(::read(gate[0].get(), &byte, 1), 1);
    it.reply(ping->sequence, model::Done{});
    it.reply(it.next()->sequence, answer_of(7));
    it.wait_for_the_end();
  });
  const auto client = connected(daemon);
  EXPECT_EQ(code_of(client->call(model::Ping{}, {}, milliseconds(20))),
            "deadline_exceeded");
  ASSERT_EQ(::write(gate[1].get(), "x", 1), 1);
  EXPECT_EQ(number_of(client->wait(submit(*client))), 7U);
}

TEST(Client, AnInterruptedWaitMayBeTakenUpAgain) {
  int ends[2];
  ASSERT_EQ(::pipe2(ends, O_CLOEXEC), 0);
  const UniqueFd interrupt(ends[0]);
  const UniqueFd trigger(ends[1]);
  FakeDaemon daemon([&](FakeDaemon& it) {
    it.greet();
    const auto job = it.next();
    EXPECT_EQ(::write(trigger.get(), "x", 1), 1);
    const auto cancel = it.next();
    const auto& ref = std::get<model::Cancel>(cancel->request).job;
    EXPECT_EQ(std::get<model::SubmitSequence>(ref).sequence, job->sequence);
    model::JobAnswer answer = answer_of(3);
    answer.state = model::JobState::Cancelled;
    it.reply(cancel->sequence, model::Done{});
    it.reply(job->sequence, answer);
    it.wait_for_the_end();
  });
  const auto client = connected(daemon);
  const Ticket ticket = submit(*client);
  const Result<model::Reply> interrupted = client->wait(ticket, interrupt.get());
  ASSERT_FALSE(interrupted);
  EXPECT_EQ(interrupted.error().errc(), Errc::Cancelled);
  EXPECT_EQ(interrupted.error().code(), "interrupted");
  ASSERT_TRUE(client->cancel(ticket));
  const Result<model::Reply> ended = client->wait(ticket);
  ASSERT_TRUE(ended);
  EXPECT_EQ(std::get<model::JobAnswer>(*ended).state, model::JobState::Cancelled);
}

TEST(Client, ProgressGoesToTheSubmitThatWantsIt) {
  FakeDaemon daemon([](FakeDaemon& it) {
    it.greet();
    const auto quiet = it.next();
    const auto job = it.next();
    EXPECT_FALSE(std::get<model::Submit>(quiet->request).want_progress);
    EXPECT_TRUE(std::get<model::Submit>(job->request).want_progress);
    it.event(job->sequence, model::JobProgress{{1, 1}, 5, 10, false});
    it.event(quiet->sequence, model::JobProgress{{1, 1}, 99, 99, false});
    it.event(job->sequence, model::JobProgress{{1, 1}, 10, 10, false});
    it.reply(job->sequence, answer_of(1));
    it.reply(quiet->sequence, answer_of(2));
    it.wait_for_the_end();
  });
  const auto client = connected(daemon);
  std::vector<std::uint64_t> seen;
  const Ticket quiet = submit(*client);
  const Result<Ticket> job =
      client->submit(range_spec(), {}, model::ReplyWhen::Finished,
                     [&](const model::JobProgress& now) { seen.push_back(now.done); });
  ASSERT_TRUE(job);
  EXPECT_EQ(number_of(client->wait(*job)), 1U);
  EXPECT_EQ(number_of(client->wait(quiet)), 2U);
  EXPECT_EQ(seen, (std::vector<std::uint64_t>{5, 10}));
}

TEST(Client, DescriptorsArriveWithTheirOwnRequest) {
  FakeDaemon daemon([](FakeDaemon& it) {
    it.greet();
    for (std::uint32_t i = 0; i < 4; ++i) {
      const auto asked = it.next();
      // The spec's chunk size says how many were sent with it.
      const auto& spec = std::get<model::Submit>(asked->request).spec;
      model::JobAnswer answer = answer_of(asked->fds.size());
      answer.chunks = spec.chunk_size;
      it.reply(asked->sequence, answer);
    }
    it.wait_for_the_end();
  });
  const auto client = connected(daemon);
  std::vector<Ticket> tickets;
  for (const std::size_t count : {2UL, 0UL, 64UL, 1UL}) {
    const UniqueFd file(::open("/dev/null", O_RDONLY | O_CLOEXEC));
    const std::vector<int> fds(count, file.get());
    model::JobSpec spec = range_spec();
    spec.chunk_size = count;
    const auto ticket = client->submit(spec, fds, model::ReplyWhen::Finished);
    ASSERT_TRUE(ticket);
    tickets.push_back(*ticket);
  }  // closed here, before anything was sent
  for (const Ticket ticket : tickets) {
    const Result<model::Reply> reply = client->wait(ticket);
    EXPECT_EQ(number_of(reply), std::get<model::JobAnswer>(*reply).chunks);
  }
}

TEST(Client, MoreDescriptorsThanAFrameTakesAreRefusedHere) {
  FakeDaemon daemon([](FakeDaemon& it) {
    it.greet();
    it.wait_for_the_end();
  });
  const auto client = connected(daemon);
  const std::vector<int> fds(65, 0);
  const auto ticket = client->submit(range_spec(), fds, model::ReplyWhen::Finished);
  ASSERT_FALSE(ticket);
  EXPECT_EQ(ticket.error().code(), "too_many_descriptors");
}

TEST(Client, ARequestThatIsTooLargeIsRefusedHereAndTheConnectionLives) {
  FakeDaemon daemon([](FakeDaemon& it) {
    it.greet();
    it.reply(it.next()->sequence, answer_of(1));
    it.wait_for_the_end();
  });
  const auto client = connected(daemon);
  model::JobSpec large = range_spec();
  large.source = model::ValuesSource{model::ElementType::I8,
                                     std::vector<std::byte>(std::size_t{1} << 20)};
  const auto ticket = client->submit(large, {}, model::ReplyWhen::Finished);
  ASSERT_FALSE(ticket);
  EXPECT_EQ(ticket.error().code(), "message_too_large");
  EXPECT_EQ(number_of(client->wait(submit(*client))), 1U);
}

TEST(Client, FlushReadsRepliesWhileTheSocketIsFull) {
  // Neither side would move if the client only wrote: replies outgrow the buffers, too.
  constexpr int kJobs = 200;
  FakeDaemon daemon([](FakeDaemon& it) {
    it.greet();
    while (const auto asked = it.next()) {
      model::JobAnswer answer = answer_of(asked->sequence);
      answer.reason.assign(100'000, 'x');
      it.reply(asked->sequence, answer);
    }
  });
  const auto client = connected(daemon);
  model::JobSpec spec = range_spec();
  spec.source = model::ValuesSource{model::ElementType::I8,
                                    std::vector<std::byte>(std::size_t{100'000})};
  std::vector<Ticket> tickets;
  for (int i = 0; i < kJobs; ++i)
    tickets.push_back(*client->submit(spec, {}, model::ReplyWhen::Finished));
  ASSERT_TRUE(client->flush());
  for (const Ticket ticket : tickets)
    ASSERT_EQ(number_of(client->wait(ticket)), ticket.sequence);
}

}  // namespace
}  // namespace tally::client

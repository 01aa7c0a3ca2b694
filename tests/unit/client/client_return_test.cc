// A Client whose connection is lost, and the daemon that it comes back to, or does not.
#include <fcntl.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <filesystem>
#include <string>

#include "client/client.h"
#include "tests/unit/client/fake_daemon.h"

namespace tally::client {
namespace {

using std::chrono::milliseconds;

constexpr std::uint64_t kTag = 0x7f3a;

// A process that lives, so that its client believes it might be there again.
model::Hello hello_of(std::uint64_t tag = kTag,
                      std::uint64_t features = model::Hello::kFeatureGrace) {
  return {ipc::kProtocolVersion,
          features,
          "9.9",
          static_cast<std::uint32_t>(::getpid()),
          5000,
          tag};
}

model::JobAnswer answer_of(std::uint64_t number) {
  model::JobAnswer answer;
  answer.id = {kTag, number};
  answer.state = model::JobState::Done;
  return answer;
}

class ClientReturn : public testing::Test {
 protected:
  ClientReturn() {
    char name[] = "/tmp/tally-return-XXXXXX";
    folder_ = ::mkdtemp(name);
    path_ = folder_ + "/sock";
  }
  ~ClientReturn() override { std::filesystem::remove_all(folder_); }

  std::unique_ptr<Client> connected() const {
    Result<std::unique_ptr<Client>> client = Client::connect(path_, {});
    EXPECT_TRUE(client) << client.error().message();
    return *std::move(client);
  }

  std::string path_;

 private:
  std::string folder_;
};

Ticket submit(Client& client, std::int64_t elements = 1 << 21) {
  model::JobSpec spec;
  spec.reducers = {{"sum", {}, "", "sum"}};
  spec.source = model::RangeSource{0, elements, 1};
  const Result<Ticket> ticket = client.submit(spec, {}, model::ReplyWhen::Finished);
  EXPECT_TRUE(ticket);
  return *ticket;
}

std::string client_id_of(const Asked& asked) {
  return std::get<model::Submit>(asked.request).spec.client_id;
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

TEST_F(ClientReturn, SubmitsLargeJobsAgainAndEndsTheOthers) {
  std::vector<std::string> ids;
  std::vector<std::uint32_t> sequences;
  FakeDaemon daemon(path_, [&](FakeDaemon& it) {
    for (int connection = 0; connection < 2; ++connection) {
      it.accept();
      it.greet(hello_of());
      for (int job = 0; job < (connection == 0 ? 3 : 2); ++job) {
        const auto asked = it.next();
        ids.push_back(client_id_of(*asked));
        sequences.push_back(asked->sequence);
      }
    }
    it.reply(sequences[4], answer_of(4));
    it.reply(sequences[3], answer_of(3));
    it.wait_for_the_end();
  });
  const auto client = connected();
  const Ticket first = submit(*client);
  const Ticket small = submit(*client, 10);
  const Ticket second = submit(*client);
  EXPECT_EQ(number_of(client->wait(first)), 3U);
  EXPECT_EQ(number_of(client->wait(second)), 4U);
  EXPECT_EQ(code_of(client->wait(small)), "connection_lost");
  EXPECT_TRUE(ids[0].starts_with(model::kLibraryIdPrefix));
  EXPECT_EQ(ids[1], "");
  EXPECT_EQ(ids, (std::vector<std::string>{ids[0], "", ids[2], ids[0], ids[2]}));
  EXPECT_EQ(sequences[3], sequences[0]);
  EXPECT_EQ(sequences[4], sequences[2]);
}

TEST_F(ClientReturn, AnotherDaemonIsNotAskedForTheJob) {
  bool asked = false;
  FakeDaemon daemon(path_, [&](FakeDaemon& it) {
    it.accept();
    it.greet(hello_of());
    (void)it.next();
    it.accept();
    it.greet(hello_of(kTag + 1));
    asked = it.next().has_value();
  });
  const auto client = connected();
  const Result<model::Reply> reply = client->wait(submit(*client));
  EXPECT_EQ(code_of(reply), "connection_lost");
  EXPECT_EQ(reply.error().errc(), Errc::Unavailable);
  EXPECT_EQ(code_of(client->call(model::Ping{})), "connection_lost");
  EXPECT_FALSE(asked);
}

TEST_F(ClientReturn, NoIdIsGivenWhereNobodyWaitsOrALoopWatches) {
  std::vector<std::string> ids;
  FakeDaemon daemon(path_, [&](FakeDaemon& it) {
    for (const std::uint64_t features : {std::uint64_t{0}, std::uint64_t{1}}) {
      it.accept();
      it.greet(hello_of(kTag, features));
      const auto job = it.next();
      ids.push_back(client_id_of(*job));
    }
  });
  const auto not_waited_for = connected();
  EXPECT_EQ(code_of(not_waited_for->wait(submit(*not_waited_for))), "connection_lost");
  const auto watched = connected();
  EXPECT_TRUE(watched->dispatch());
  EXPECT_EQ(code_of(watched->wait(submit(*watched))), "connection_lost");
  EXPECT_EQ(ids, (std::vector<std::string>{"", ""}));
}

TEST_F(ClientReturn, TheWayBackMayBeInterruptedAndACancelIsNotLost) {
  int ends[2];
  ASSERT_EQ(::pipe2(ends, O_CLOEXEC), 0);
  const UniqueFd interrupt(ends[0]);
  const UniqueFd trigger(ends[1]);
  std::vector<std::uint32_t> cancelled;
  FakeDaemon daemon(path_, [&](FakeDaemon& it) {
    it.accept();
    it.greet(hello_of());
    (void)it.next();
    it.accept();  // and no hello: it is on the way back
    EXPECT_EQ(::write(trigger.get(), "x", 1), 1);
    it.accept();
    it.greet(hello_of());
    const auto again = it.next();
    const auto cancel = it.next();
    const auto& ref = std::get<model::Cancel>(cancel->request).job;
    EXPECT_EQ(std::get<model::SubmitSequence>(ref).sequence, again->sequence);
    it.reply(cancel->sequence, model::Done{});
    it.reply(again->sequence, answer_of(9));
    it.wait_for_the_end();
  });
  const auto client = connected();
  const Ticket job = submit(*client);
  EXPECT_EQ(code_of(client->wait(job, interrupt.get())), "interrupted");
  EXPECT_TRUE(client->cancel(job));
  EXPECT_EQ(number_of(client->wait(job)), 9U);
}

TEST_F(ClientReturn, WhoClosesOnPurposeSaysSoIfALargeJobIsLeft) {
  std::vector<std::string> last;
  FakeDaemon daemon(path_, [&](FakeDaemon& it) {
    for (int connection = 0; connection < 2; ++connection) {
      it.accept();
      it.greet(hello_of());
      last.emplace_back("job");
      (void)it.next();
      if (const auto more = it.next())
        last.back() =
            std::holds_alternative<model::Leave>(more->request) ? "leave" : "?";
    }
  });
  for (const std::int64_t elements : {1 << 21, 10}) {
    const auto client = connected();
    (void)submit(*client, elements);
    EXPECT_TRUE(client->flush());
    client->leave();
  }
  daemon.join();
  EXPECT_EQ(last, (std::vector<std::string>{"leave", "job"}));
}

}  // namespace
}  // namespace tally::client

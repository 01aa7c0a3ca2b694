// Files that a client opens when the daemon asks for them.
#include <fcntl.h>
#include <gtest/gtest.h>
#include <poll.h>

#include <string>
#include <utility>
#include <vector>

#include "client/client.h"
#include "tests/unit/client/fake_daemon.h"

namespace tally::client {
namespace {

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

Result<UniqueFd> null_device(std::uint32_t) {
  return UniqueFd(::open("/dev/null", O_RDONLY | O_CLOEXEC));
}

Result<Ticket> submit_many(Client& client, FileOpener files) {
  model::JobSpec spec;
  spec.reducers = {{"sum", {}, "", "sum"}};
  model::FilesSource source;
  source.files.resize(320);
  source.windowed = true;
  spec.source = source;
  return client.submit(spec, {}, model::ReplyWhen::Finished, {}, std::move(files));
}

TEST(ClientFiles, OpensFilesWhenItIsAskedForThem) {
  std::vector<std::uint32_t> opened;
  std::vector<std::pair<std::uint32_t, std::size_t>> sent;
  FakeDaemon daemon([&](FakeDaemon& it) {
    it.greet();
    const auto submitted = it.next();
    it.event(submitted->sequence, model::NeedFiles{5, 3});
    it.event(submitted->sequence, model::NeedFiles{64, 64});
    for (int i = 0; i < 2; ++i) {
      const auto files = it.next();
      ASSERT_TRUE(files);
      EXPECT_EQ(files->sequence, submitted->sequence);
      sent.emplace_back(std::get<model::SendFiles>(files->request).first,
                        files->fds.size());
    }
    it.reply(submitted->sequence, answer_of(17));
    it.wait_for_the_end();
  });
  const auto client = connected(daemon);
  const auto ticket = submit_many(*client, [&](std::uint32_t file) {
    opened.push_back(file);
    return null_device(file);
  });
  EXPECT_TRUE(client->wait(*ticket));
  EXPECT_EQ(opened.size(), 67U);
  EXPECT_EQ(opened[0], 5U);
  EXPECT_EQ(opened.back(), 127U);
  EXPECT_EQ(sent, (decltype(sent){{5, 3}, {64, 64}}));
}

TEST(ClientFiles, TellsOfAFileThatItCannotOpen) {
  FakeDaemon daemon([](FakeDaemon& it) {
    it.greet();
    const auto submitted = it.next();
    it.event(submitted->sequence, model::NeedFiles{5, 3});
    const auto files = it.next();
    ASSERT_TRUE(files);
    const auto& told = std::get<model::SendFiles>(files->request);
    EXPECT_EQ(files->fds.size(), 0U);
    ASSERT_TRUE(told.error);
    it.reply(submitted->sequence, *told.error);
    it.wait_for_the_end();
  });
  const auto client = connected(daemon);
  const auto ticket = submit_many(*client, [](std::uint32_t file) -> Result<UniqueFd> {
    if (file == 6) return Error(Errc::Io, "file_lost", "6 is gone");
    return null_device(file);
  });
  EXPECT_EQ(client->wait(*ticket).error().code(), "file_lost");
}

TEST(ClientFiles, SendsFilesFromAnEventLoopToo) {
  FakeDaemon daemon([](FakeDaemon& it) {
    it.greet();
    const auto submitted = it.next();
    for (std::uint32_t window = 0; window < 5; ++window) {
      it.event(submitted->sequence, model::NeedFiles{window * 64, 64});
      const auto files = it.next();
      ASSERT_TRUE(files);
      EXPECT_EQ(files->fds.size(), 64U);
    }
    it.reply(submitted->sequence, answer_of(17));
    it.wait_for_the_end();
  });
  const auto client = connected(daemon);
  const auto ticket = submit_many(*client, null_device);
  std::optional<Ticket> ready;
  while (!(ready = client->next_ready())) {
    pollfd watched{client->fd(), POLLIN, 0};
    if (client->pending_output()) watched.events = POLLIN | POLLOUT;
    ASSERT_EQ(::poll(&watched, 1, 10'000), 1);
    ASSERT_TRUE(client->dispatch());
  }
  EXPECT_EQ(ready->sequence, ticket->sequence);
}

TEST(ClientFiles, ADaemonThatAsksForWhatCannotBeIsBroken) {
  for (const std::uint32_t count : {0U, 65U, 0xFFFFFFFFU}) {
    FakeDaemon daemon([count](FakeDaemon& it) {
      it.greet();
      const auto submitted = it.next();
      it.event(submitted->sequence, model::NeedFiles{0, count});
      it.wait_for_the_end();
    });
    const auto client = connected(daemon);
    const auto ticket = submit_many(*client, null_device);
    EXPECT_EQ(client->wait(*ticket).error().code(), "bad_event");
  }
}

}  // namespace
}  // namespace tally::client

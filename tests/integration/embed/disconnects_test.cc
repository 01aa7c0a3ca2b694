// A client of an embedded core that leaves after each of its calls, and a core that
// goes while its clients are at each of theirs: nobody else notices, nothing hangs.
#include <dirent.h>

#include <chrono>
#include <functional>
#include <optional>
#include <thread>
#include <vector>

#include "tests/integration/embed/core.h"

namespace tally {
namespace {

struct Talk {
  std::optional<Client> client;
  std::vector<Ticket> tickets;
};

Job with_kernel(std::int64_t stop) {
  Job job;
  job.add("geomean").range(1, stop).kernel(TALLY_GEOMEAN);
  return job;
}

// What a client does, one message or less each.
const std::vector<std::function<void(Talk&)>>& steps() {
  static const std::vector<std::function<void(Talk&)>> kSteps{
      [](Talk& talk) { (void)talk.client->ping(); },
      [](Talk& talk) {
        talk.tickets.push_back(talk.client->submit(sum_to(9)).value());
      },
      [](Talk& talk) { (void)talk.client->flush(); },
      // In chunks of milliseconds, so that others get their turns.
      [](Talk& talk) {
        Job job = sum_to(1'000'000'000'000);
        talk.tickets.push_back(talk.client->submit(job.workers(1)).value());
      },
      [](Talk& talk) { (void)talk.client->flush(); },
      [](Talk& talk) {
        talk.tickets.push_back(talk.client->submit(with_kernel(300'000)).value());
      },
      [](Talk& talk) { (void)talk.client->flush(); },
      [](Talk& talk) { (void)talk.client->dispatch(); },
      [](Talk& talk) {
        talk.tickets.push_back(
            talk.client->submit(with_kernel(1'000'000'000'000)).value());
      },
      [](Talk& talk) { (void)talk.client->wait(talk.tickets[0]); },
      [](Talk& talk) { (void)talk.client->wait(talk.tickets[2]); },
      [](Talk& talk) { (void)talk.client->cancel(talk.tickets[1]); },
      [](Talk& talk) { (void)talk.client->wait(talk.tickets[1]); },
      [](Talk& talk) { (void)talk.client->cancel(talk.tickets[3]); },
      [](Talk& talk) { (void)talk.client->wait(talk.tickets[3]); },
  };
  return kSteps;
}

std::size_t open_descriptors() {
  std::size_t count = 0;
  DIR* const folder = ::opendir("/proc/self/fd");
  while (::readdir(folder) != nullptr) ++count;
  ::closedir(folder);
  return count;
}

TEST(EmbeddedDisconnects, AClientThatLeavesAfterAnyCallIsNotNoticed) {
  Embedded embedded = core();
  Client beside = embedded.connect().value();
  EXPECT_EQ(text(beside.run(with_kernel(3))), "1.414213562373095");
  const std::size_t before = open_descriptors();
  for (std::size_t count = 0; count <= steps().size(); ++count) {
    {
      Talk talk{embedded.connect().value(), {}};
      for (std::size_t i = 0; i < count; ++i) steps()[i](talk);
    }
    EXPECT_EQ(text(beside.run(sum_to(1000))), "499500") << "after " << count;
  }
  // The core closes its ends when it comes to it.
  const auto end = std::chrono::steady_clock::now() + std::chrono::seconds(20);
  while (open_descriptors() > before && std::chrono::steady_clock::now() < end)
    std::this_thread::sleep_for(std::chrono::milliseconds(5));
  EXPECT_LE(open_descriptors(), before);
}

TEST(EmbeddedDisconnects, ACoreThatGoesAfterAnyCallIsTold) {
  for (std::size_t count = 0; count <= steps().size(); ++count) {
    Talk talk;
    {
      Embedded embedded = core();
      talk.client.emplace(embedded.connect().value());
      for (std::size_t i = 0; i < count; ++i) steps()[i](talk);
    }
    const Expected<Answer> late = talk.client->run(sum_to(9));
    ASSERT_FALSE(late) << "after " << count;
    EXPECT_EQ(late.error().status(), TALLY_UNAVAILABLE) << late.error().what();
  }
}

}  // namespace
}  // namespace tally

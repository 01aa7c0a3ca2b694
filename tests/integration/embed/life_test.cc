// The embedded core's life: started, shared, left, freed and killed at any moment.
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <chrono>
#include <cstdio>
#include <fstream>
#include <memory>
#include <thread>
#include <vector>

#include "tests/integration/embed/core.h"

namespace tally {
namespace {

using std::chrono::milliseconds;
using std::chrono::steady_clock;

constexpr std::chrono::seconds kPatience{20};

// Gone, or dead and only not reaped by its parent yet.
bool is_gone(pid_t pid) {
  std::ifstream file("/proc/" + std::to_string(pid) + "/stat");
  std::string line;
  if (!std::getline(file, line)) return true;
  const std::size_t name = line.rfind(')');
  return name == std::string::npos || line.substr(name + 2, 1) == "Z" ||
         line.substr(name + 2, 1) == "X";
}

bool is_soon_gone(pid_t pid) {
  for (const auto end = steady_clock::now() + kPatience; steady_clock::now() < end;) {
    if (is_gone(pid)) return true;
    std::this_thread::sleep_for(milliseconds(2));
  }
  return false;
}

std::uint32_t worker_pid(Client& client) {
  const Answer answer = client.run(sum_to(1'000'000)).value();
  tally_worker_usage usage{};
  usage.struct_size = sizeof usage;
  EXPECT_EQ(tally_answer_worker(answer.get(), 0, &usage, nullptr), TALLY_OK);
  return usage.pid;
}

TEST(Embedded, RunsJobsOnEveryPathWithTheSameBits) {
  Embedded embedded = core();
  Client client = embedded.connect().value();
  const std::vector<double> values(3000, 0.1);
  std::string inline_bits;
  for (const tally_path path :
       {TALLY_PATH_ANY, TALLY_PATH_THREAD, TALLY_PATH_PROCESS}) {
    Job job;
    job.add("sum").add("mean").values(values).path(path);
    const Answer answer = client.run(job).value();
    const std::string bits = std::string(answer[0].text()) + answer[1].text();
    if (path == TALLY_PATH_ANY) inline_bits = bits;
    EXPECT_EQ(bits, inline_bits);
    EXPECT_NE(std::string(answer.json()).find(R"("kind": "embedded")"),
              std::string::npos);
  }
}

TEST(Embedded, TwoOfThemShareNothing) {
  Embedded first = core(1);
  Embedded second = core(2);
  Client one = first.connect().value();
  Client two = second.connect().value();
  EXPECT_NE(worker_pid(one), worker_pid(two));
  const std::string id = two.detach(sum_to(1000)).value();
  const Expected<Ticket> elsewhere = one.attach(id);
  ASSERT_TRUE(elsewhere);
  EXPECT_EQ(std::string(one.wait(*elsewhere).error().code()), "daemon_restarted");
  { const Embedded gone = std::move(first); }
  EXPECT_FALSE(one.run(sum_to(10)));
  EXPECT_EQ(text(two.run(sum_to(10))), "45");
}

TEST(Embedded, OutlivesTheThreadThatStartedIt) {
  Expected<Embedded> embedded = Error(TALLY_OK, "", "");
  std::thread([&] { embedded = Embedded::start(options()); }).join();
  Client client = embedded.value().connect().value();
  EXPECT_EQ(text(client.run(sum_to(1'000'000))), "499999500000");
  const auto worker = static_cast<pid_t>(worker_pid(client));
  std::thread([&] { (void)embedded->connect().value(); }).join();
  EXPECT_EQ(text(client.run(sum_to(1'000'000))), "499999500000");
  EXPECT_FALSE(is_gone(worker));
}

TEST(Embedded, ServesManyThreadsAtOnce) {
  Embedded embedded = core();
  std::vector<std::thread> threads;
  for (int number = 0; number < 8; ++number)
    threads.emplace_back([&embedded] {
      Client client = embedded.connect().value();
      for (int i = 0; i < 50; ++i)
        EXPECT_EQ(text(client.run(sum_to(10, TALLY_PATH_ANY))), "45");
    });
  for (std::thread& thread : threads) thread.join();
}

TEST(Embedded, IsFreedRightAfterItsStart) {
  for (int round = 0; round < 10; ++round) core();
}

TEST(Embedded, FreedInTheMiddleOfAJobTellsWhoWaits) {
  for (const tally_path path : {TALLY_PATH_THREAD, TALLY_PATH_PROCESS}) {
    auto embedded = std::make_unique<Embedded>(core());
    Client client = embedded->connect().value();
    const Ticket ticket = client.submit(sum_to(INT64_MAX, path)).value();
    const Ticket other = client.submit(sum_to(INT64_MAX, path)).value();
    ASSERT_TRUE(client.ping());  // both are under way
    std::thread freeing([&] { embedded.reset(); });
    const Expected<Answer> answer = client.wait(ticket);
    freeing.join();
    ASSERT_FALSE(answer);
    EXPECT_TRUE(answer.error().status() == TALLY_CANCELLED ||
                answer.error().status() == TALLY_UNAVAILABLE)
        << answer.error().what();
    EXPECT_FALSE(client.wait(other));
    EXPECT_EQ(std::string(client.ping().error().code()), "connection_lost");
  }
}

TEST(Embedded, FreedWhileOthersSubmitEndsThemAll) {
  for (int round = 0; round < 5; ++round) {
    auto embedded = std::make_unique<Embedded>(core());
    std::vector<Client> clients;
    for (int i = 0; i < 4; ++i) clients.push_back(embedded->connect().value());
    std::vector<std::thread> threads;
    for (Client& client : clients)
      threads.emplace_back([&client] {
        while (client.run(sum_to(100'000))) {
        }
      });
    std::this_thread::sleep_for(milliseconds(3 * round));  // any moment will do
    embedded.reset();
    for (std::thread& thread : threads) thread.join();
  }
}

TEST(Embedded, GivesFuturesOverItsConnections) {
  Embedded embedded = core();
  auto client = AsyncClient::over(embedded.connect().value()).value();
  auto first = client->submit(sum_to(100));
  auto second = client->submit(sum_to(10));
  EXPECT_EQ(first.get()[0].text(), std::string("4950"));
  EXPECT_EQ(second.get()[0].text(), std::string("45"));
}

TEST(Embedded, IsTheParentsAfterAFork) {
  Embedded embedded = core();
  Client client = embedded.connect().value();
  const Ticket running = client.submit(endless()).value();
  ASSERT_TRUE(client.ping());
  const pid_t child = ::fork();
  if (child == 0) {
    tally_client* made = nullptr;
    tally_error* error = nullptr;
    const bool refused = tally_embedded_connect(embedded.get(), nullptr, &made,
                                                &error) == TALLY_INVALID_ARGUMENT &&
                         std::string(tally_error_code(error)) == "forked";
    {
      const Embedded freed = std::move(embedded);
      const Client closed = std::move(client);
    }
    ::_exit(refused ? 0 : 1);
  }
  int status = -1;
  ASSERT_EQ(::waitpid(child, &status, 0), child);
  EXPECT_EQ(status, 0);
  Client other = embedded.connect().value();
  EXPECT_EQ(text(other.run(sum_to(10, TALLY_PATH_ANY))), "45");
  EXPECT_TRUE(client.cancel(running));
  EXPECT_EQ(client.wait(running).error().status(), TALLY_CANCELLED);
}

// Waits for the end of a job of some client; false if it runs on.
bool ends_soon(Client& client, const std::string& job) {
  (void)client.attach(job).value();
  EXPECT_TRUE(client.flush());
  pollfd said{client.fd(), POLLIN, 0};
  if (::poll(&said, 1, static_cast<int>(milliseconds(kPatience).count())) != 1)
    return false;
  return client.dispatch() && client.ready();
}

// A client that is closed here ends its jobs, though a forked child has its socket too.
TEST(Embedded, AForkedChildKeepsNoJobAlive) {
  Embedded embedded = core();
  Client other = embedded.connect().value();
  const std::string before = other.run(sum_to(10)).value().job();
  auto client = std::make_unique<Client>(embedded.connect().value());
  (void)client->submit(endless()).value();
  ASSERT_TRUE(client->ping());
  int ends[2];
  ASSERT_EQ(::pipe2(ends, O_CLOEXEC), 0);
  const pid_t child = ::fork();
  if (child == 0) {
    char byte = 0;
    ::close(ends[1]);
    (void)!::read(ends[0], &byte, 1);  // until the parent lets go
    ::_exit(0);
  }
  client.reset();
  // Jobs are numbered from 1.
  ASSERT_TRUE(before.ends_with("-1")) << before;
  EXPECT_TRUE(ends_soon(other, before.substr(0, before.size() - 1) + "2"));
  ::close(ends[0]);
  ::close(ends[1]);
  ASSERT_EQ(::waitpid(child, nullptr, 0), child);
}

// --- hosts that die or leave ---

struct Victim {
  pid_t pid = 0;
  pid_t zygote = 0;
  pid_t worker = 0;
  pid_t child = 0;  // of mode "forked"
};

// Started, its job running.
Victim start_victim(const char* mode) {
  int ends[2];
  EXPECT_EQ(::pipe2(ends, O_CLOEXEC), 0);
  Victim victim;
  victim.pid = ::fork();
  if (victim.pid == 0) {
    ::dup2(ends[1], STDOUT_FILENO);
    ::execl(TALLY_VICTIM, TALLY_VICTIM, mode, nullptr);
    ::_exit(127);
  }
  ::close(ends[1]);
  std::FILE* said = ::fdopen(ends[0], "r");
  EXPECT_EQ(std::fscanf(said, "%d %d", &victim.zygote, &victim.worker), 2) << mode;
  if (std::string(mode) == "forked") {
    EXPECT_EQ(std::fscanf(said, "%d", &victim.child), 1);
  }
  std::fclose(said);
  return victim;
}

int status_of(const Victim& victim) {
  int status = -1;
  EXPECT_EQ(::waitpid(victim.pid, &status, 0), victim.pid);
  return status;
}

TEST(EmbeddedHost, KilledLeavesNoProcessBehind) {
  for (const char* mode : {"wait", "forked"}) {
    const Victim victim = start_victim(mode);
    ASSERT_FALSE(is_gone(victim.zygote));
    ::kill(victim.pid, SIGKILL);
    EXPECT_TRUE(WIFSIGNALED(status_of(victim)));
    EXPECT_TRUE(is_soon_gone(victim.zygote)) << mode;
    EXPECT_TRUE(is_soon_gone(victim.worker)) << mode;
    if (victim.child != 0) {
      EXPECT_FALSE(is_gone(victim.child)) << "it had all of the host's descriptors";
      ::kill(victim.child, SIGKILL);
    }
  }
}

TEST(EmbeddedHost, LeavesCleanlyWhateverItDoes) {
  for (const char* mode : {"exit", "atexit", "abandon"})
    for (int round = 0; round < 5; ++round) {
      const Victim victim = start_victim(mode);
      EXPECT_EQ(status_of(victim), 0) << mode;
      EXPECT_TRUE(is_soon_gone(victim.zygote)) << mode;
      EXPECT_TRUE(is_soon_gone(victim.worker)) << mode;
    }
}

}  // namespace
}  // namespace tally

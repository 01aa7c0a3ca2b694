// FileWindows: what a client may answer, and what ends the exchange.
#include "runtime/job/file_windows.h"

#include <fcntl.h>
#include <gtest/gtest.h>

#include <asio/io_context.hpp>

#include <string>

namespace tally::job {
namespace {

std::vector<UniqueFd> some(std::size_t count) {
  std::vector<UniqueFd> fds;
  while (fds.size() < count)
    fds.emplace_back(::open("/dev/null", O_RDONLY | O_CLOEXEC));
  return fds;
}

struct Exchange {
  explicit Exchange(std::chrono::milliseconds patience = FileWindows::kPatience)
      : windows(std::make_shared<FileWindows>(
            loop.get_executor(),
            [this](std::uint32_t first, std::uint32_t count) {
              asked += std::to_string(first) + "+" + std::to_string(count) + " ";
            },
            patience)) {
    windows->on_failure([this](const Error& why) { failed += why.code() + " "; });
  }
  void ask(std::uint32_t first, std::uint32_t count) {
    windows->ask(first, count, [this, first](std::vector<UniqueFd> fds) {
      came += std::to_string(first) + "+" + std::to_string(fds.size()) + " ";
    });
  }

  asio::io_context loop;
  std::string asked;
  std::string came;
  std::string failed;
  std::shared_ptr<FileWindows> windows;
};

TEST(FileWindows, BringsWhatWasAskedForInAnyOrder) {
  Exchange it;
  it.ask(0, 64);
  it.ask(64, 3);
  EXPECT_EQ(it.asked, "0+64 64+3 ");
  it.windows->came(64, some(3), {});
  it.windows->came(0, some(64), {});
  it.ask(0, 2);  // again
  it.windows->came(0, some(2), {});
  EXPECT_EQ(it.came, "64+3 0+64 0+2 ");
  EXPECT_EQ(it.failed, "");
}

TEST(FileWindows, OtherFilesThanWereAskedForEndItOnce) {
  for (const std::size_t count : {0U, 2U, 4U}) {
    Exchange it;
    it.ask(5, 3);
    it.windows->came(5, some(count), {});
    it.windows->came(5, some(3), {});
    it.ask(9, 1);
    EXPECT_EQ(it.failed, "bad_files ");
    EXPECT_EQ(it.came, "");
    EXPECT_EQ(it.asked, "5+3 ");
  }
  Exchange it;
  it.ask(5, 3);
  it.windows->came(6, some(3), {});
  EXPECT_EQ(it.failed, "bad_files ");
}

TEST(FileWindows, AFileThatCannotBeHadIsToldInTheClientsWordsOfTheRightClass) {
  for (const Errc errc :
       {Errc::Io, Errc::InvalidData, Errc::Overloaded, Errc::Internal}) {
    Exchange it;
    it.ask(0, 1);
    it.windows->came(0, {}, Error(errc, "file_changed", "it is another"));
    const bool kept = errc == Errc::Io || errc == Errc::InvalidData;
    EXPECT_EQ(it.failed, kept ? "file_changed " : "file_lost ");
  }
}

TEST(FileWindows, WhoDoesNotAnswerInTimeIsNotWaitedFor) {
  Exchange it(std::chrono::milliseconds(20));
  it.ask(0, 1);
  it.ask(1, 1);
  it.windows->came(0, some(1), {});
  it.loop.run();  // until nothing is to be waited for
  EXPECT_EQ(it.failed, "files_not_sent ");
}

TEST(FileWindows, WhatWasAnsweredIsWaitedForNoMore) {
  Exchange it(std::chrono::milliseconds(20));
  it.ask(0, 1);
  it.windows->came(0, some(1), {});
  it.loop.run();
  EXPECT_EQ(it.failed, "");
}

TEST(FileWindows, NobodyIsCalledOnceTheyAreClosed) {
  Exchange it;
  it.ask(0, 1);
  it.windows->close();
  it.windows->came(0, some(1), {});
  it.windows->give_up(Error(Errc::Cancelled, "client_gone", "gone"));
  it.loop.run();
  EXPECT_EQ(it.came + it.failed, "");
}

TEST(FileWindows, WhoWaitsHearsThatTheClientIsGone) {
  Exchange it;
  it.ask(0, 1);
  it.windows->give_up(Error(Errc::Cancelled, "client_gone", "gone"));
  EXPECT_EQ(it.failed, "client_gone ");
}

TEST(FileWindows, WhatIsCalledMayLetGoOfThem) {
  Exchange it;
  it.windows->ask(0, 1, [&](const std::vector<UniqueFd>&) { it.windows.reset(); });
  it.windows->came(0, some(1), {});
  EXPECT_EQ(it.windows, nullptr);
}

}  // namespace
}  // namespace tally::job

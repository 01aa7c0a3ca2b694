// In which order clients that want the loop at once have it.
#include "daemon/turn_queue.h"

#include <gtest/gtest.h>
#include <asio/co_spawn.hpp>
#include <asio/post.hpp>

#include <memory>
#include <string>
#include <vector>

namespace tally::daemon {
namespace {

class TurnQueueTest : public ::testing::Test {
 protected:
  void stands_in_line(TurnQueue::Key key, std::string name) {
    turns_->wait(key, [this, name] { served_.push_back(name); });
  }

  asio::io_context loop_;
  std::unique_ptr<TurnQueue> turns_ = std::make_unique<TurnQueue>(loop_);
  std::vector<std::string> served_;
};

TEST_F(TurnQueueTest, ALoopThatHasBeenQuickIsFree) {
  EXPECT_TRUE(turns_->is_free(1000));
  EXPECT_TRUE(turns_->is_free(1000 + TurnQueue::kAtOnceNs - 1));
}

TEST_F(TurnQueueTest, ALoopThatHasBeenAtWorkForLongIsNotUntilItLooksAtItsSockets) {
  EXPECT_TRUE(turns_->is_free(1000));
  EXPECT_FALSE(turns_->is_free(1000 + TurnQueue::kAtOnceNs));
  turns_->renew();
  EXPECT_TRUE(turns_->is_free(1000 + TurnQueue::kAtOnceNs));
}

TEST_F(TurnQueueTest, NobodyGoesBeforeWhoStandsInLine) {
  stands_in_line(7, "first");
  turns_->renew();
  EXPECT_FALSE(turns_->is_free(1000));
  loop_.run();
  turns_->renew();
  EXPECT_TRUE(turns_->is_free(1000));
}

TEST_F(TurnQueueTest, ProcessesTakeTurnsWhateverNumberOfConnectionsTheyHave) {
  for (const char* name : {"a1", "a2", "a3", "a4"}) stands_in_line(1, name);
  stands_in_line(2, "b1");
  stands_in_line(3, "c1");
  stands_in_line(2, "b2");
  EXPECT_TRUE(served_.empty()) << "who waits is not called in wait()";
  loop_.run();
  EXPECT_EQ(served_,
            (std::vector<std::string>{"a1", "b1", "c1", "a2", "b2", "a3", "a4"}));
}

TEST_F(TurnQueueTest, WhoHasNoPidHereIsToldByItsUid) {
  const auto key = [](std::uint32_t uid, std::int32_t pid) {
    return TurnQueue::key_of({uid, uid, pid});
  };
  EXPECT_EQ(key(1000, 7), 7);
  for (const std::uint32_t uid : {0U, 1000U, 0xffff'fffeU}) {
    EXPECT_LT(key(uid, 0), TurnQueue::kNewClients) << uid;
    EXPECT_EQ(key(uid, 0), key(uid, 0)) << uid;
  }
  EXPECT_NE(key(1000, 0), key(1001, 0));
}

TEST_F(TurnQueueTest, WhoComesAgainStandsBehindTheOthers) {
  turns_->wait(1, [this] {
    served_.push_back("a1");
    stands_in_line(1, "a2");
  });
  stands_in_line(2, "b1");
  loop_.run();
  EXPECT_EQ(served_, (std::vector<std::string>{"a1", "b1", "a2"}));
}

TEST_F(TurnQueueTest, BetweenTurnsWhatElseIsReadyHasTheLoop) {
  turns_->wait(1, [this] {
    const Nanoseconds end = monotonic_ns() + TurnQueue::kInLineNs;
    while (monotonic_ns() < end) continue;
    served_.push_back("long");
  });
  stands_in_line(1, "next");
  asio::post(loop_, [this] {
    // Behind the first turns, so before those after the look at the sockets.
    served_.push_back("ready");
  });
  loop_.run();
  EXPECT_EQ(served_, (std::vector<std::string>{"long", "ready", "next"}));
}

TEST_F(TurnQueueTest, ACoroutineHasItsTurnLikeAnyOther) {
  stands_in_line(1, "a1");
  asio::co_spawn(
      loop_,
      [this]() -> asio::awaitable<void> {
        co_await turns_->turn_of(2);
        served_.push_back("b1");
      },
      [](const std::exception_ptr& thrown) { EXPECT_EQ(thrown, nullptr); });
  loop_.run();
  EXPECT_EQ(served_, (std::vector<std::string>{"a1", "b1"}));
}

TEST_F(TurnQueueTest, WhoStillWaitsWhenItIsDestroyedIsNotCalled) {
  stands_in_line(1, "never");
  turns_.reset();
  loop_.run();
  EXPECT_TRUE(served_.empty());
}

}  // namespace
}  // namespace tally::daemon

// How many lines clients can have written.
#include "runtime/log_limit.h"

#include <gtest/gtest.h>

#include <asio/io_context.hpp>

#include <memory>
#include <string>
#include <vector>

namespace tally {
namespace {

class LogLimitTest : public testing::Test {
 protected:
  asio::io_context loop_;
  std::vector<std::string> lines_;
  std::unique_ptr<LogLimit> limit_ = std::make_unique<LogLimit>(
      loop_, 20, [this](const std::string& line) { lines_.push_back(line); });
};

TEST_F(LogLimitTest, SoManyASecondAndThenACountThoughNoFurtherLineComes) {
  for (int n = 0; n < 25; ++n) limit_->log("bad " + std::to_string(n));
  ASSERT_EQ(lines_.size(), 20U);
  EXPECT_EQ(lines_.back(), "bad 19");
  loop_.run();  // until the second is over
  ASSERT_EQ(lines_.size(), 21U);
  EXPECT_EQ(lines_.back(), "and 5 more lines like: bad 24");
  limit_->log("later");
  EXPECT_EQ(lines_.back(), "later");
}

TEST_F(LogLimitTest, WhereNoneWasHeldBackNothingIsTold) {
  for (int n = 0; n < 20; ++n) limit_->log("bad");
  loop_.run();
  EXPECT_EQ(lines_.size(), 20U);
}

TEST_F(LogLimitTest, MayEndWithACountUntold) {
  for (int n = 0; n < 25; ++n) limit_->log("bad");
  limit_.reset();
  loop_.run();
  EXPECT_EQ(lines_.size(), 20U);
}

}  // namespace
}  // namespace tally

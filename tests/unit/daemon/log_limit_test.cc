// How many lines clients can have written.
#include "daemon/log_limit.h"

#include <gtest/gtest.h>

#include <string>
#include <vector>

namespace tally::daemon {
namespace {

constexpr Nanoseconds kSecond = 1'000'000'000;

TEST(LogLimit, SoManyASecondAndThenACount) {
  LogLimit limit;
  std::vector<std::string> lines;
  const auto to = [&lines](const std::string& line) { lines.push_back(line); };
  for (std::uint32_t n = 0; n < LogLimit::kMostASecond + 5; ++n)
    limit.log(to, "bad", 10 * kSecond + n);
  ASSERT_EQ(lines.size(), LogLimit::kMostASecond);
  EXPECT_EQ(lines.back(), "bad");

  limit.log(to, "later", 11 * kSecond);
  ASSERT_EQ(lines.size(), LogLimit::kMostASecond + 1);
  EXPECT_EQ(lines.back(), "later (and 5 more such lines before)");

  limit.log(to, "last", 12 * kSecond);
  EXPECT_EQ(lines.back(), "last");
}

}  // namespace
}  // namespace tally::daemon
